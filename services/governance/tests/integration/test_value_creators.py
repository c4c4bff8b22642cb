"""Value creators and their members on a real database."""

import asyncio
from typing import Any

import pytest
from city.governance.v1 import value_creator_service_pb2 as pb
from city.governance.v1.events_pb2 import (
    JourneyEnded,
    MemberAdded,
    MemberRemoved,
    ValueCreatorAccepted,
    ValueCreatorRefused,
    ValueCreatorSuspended,
)
from city.governance.v1.journey_service_pb2 import ProposeServiceRequest
from city.governance.v1.value_creator_pb2 import (
    MEMBER_ROLE_ADMIN,
    MEMBER_ROLE_MEMBER,
    VALUE_CREATOR_STATE_REFUSED,
    VALUE_CREATOR_STATE_REGISTERED,
    VALUE_CREATOR_STATE_SUSPENDED,
)
from stratapolis.chassis.identity import Caller
from stratapolis.chassis.ids import new_id
from stratapolis.governance.domain import errors

from services.governance.tests.integration.asking import OFFICER, Asking, a_manifest, a_person


async def add(asking: Asking, by: Caller, subject: str, *roles: Any) -> Any:
    request = pb.AddMemberRequest(request_id=new_id(), creator_id=by.creator, subject=subject, roles=roles or [MEMBER_ROLE_MEMBER])
    return (await asking("add_member", request, by)).member


async def remove(asking: Asking, by: Caller, subject: str) -> None:
    await asking("remove_member", pb.RemoveMemberRequest(request_id=new_id(), creator_id=by.creator, subject=subject), by)


async def test_an_accepted_value_creator_may_propose(asking: Asking) -> None:
    creator = await asking.a_registered_creator()
    assert creator.state == VALUE_CREATOR_STATE_REGISTERED
    with pytest.raises(errors.ValueCreatorNotAccepted):
        await asking.propose(a_person("founder-1"))
    await asking("accept_value_creator", pb.AcceptValueCreatorRequest(request_id=new_id(), creator_id=creator.creator_id), OFFICER)
    (accepted,) = await asking.city.published()
    assert accepted == ValueCreatorAccepted(creator_id=creator.creator_id, name="Harbour Rowing Club", kind="company", founding_subject="founder-1")
    assert (await asking.propose(a_person("founder-1"))).creator_id == creator.creator_id


async def test_who_is_no_member_proposes_nothing(asking: Asking) -> None:
    with pytest.raises(errors.NotAMember):
        await asking.propose(a_person("somebody"))


async def test_a_refused_one_sees_why_and_may_try_again(asking: Asking) -> None:
    creator = await asking.a_registered_creator()
    request = pb.RefuseValueCreatorRequest(request_id=new_id(), creator_id=creator.creator_id, reasons=["no register entry", "no address"])
    await asking("refuse_value_creator", request, OFFICER)
    (refused,) = await asking.city.published()
    assert isinstance(refused, ValueCreatorRefused)
    shown = (await asking("get_value_creator", pb.GetValueCreatorRequest(creator_id=creator.creator_id), a_person("founder-1"))).value_creator
    assert shown.state == VALUE_CREATOR_STATE_REFUSED
    assert [reason.message for reason in shown.reasons] == ["no register entry", "no address"]
    with pytest.raises(errors.ValueCreatorNotInState):
        await asking("accept_value_creator", pb.AcceptValueCreatorRequest(request_id=new_id(), creator_id=creator.creator_id), OFFICER)
    assert (await asking.a_registered_creator()).creator_id != creator.creator_id


async def test_a_name_is_taken_whatever_its_capitals(asking: Asking) -> None:
    await asking.a_registered_creator("Harbour Rowing Club")
    with pytest.raises(errors.ValueCreatorNameTaken):
        await asking.a_registered_creator("HARBOUR rowing club", "founder-2")


async def test_a_suspension_ends_open_journeys_and_forbids_new_ones(asking: Asking) -> None:
    member = await asking.a_member()
    for name in ("rowing-lessons", "canoe-lessons"):
        await asking.propose(member, a_manifest(name))
    await asking.city.published()
    request = pb.SuspendValueCreatorRequest(request_id=new_id(), creator_id=member.creator, reason="the club is under investigation")
    suspended = await asking("suspend_value_creator", request, OFFICER)
    assert (suspended.value_creator.state, suspended.ended_journeys) == (VALUE_CREATOR_STATE_SUSPENDED, 2)
    said, *ends = await asking.city.published()
    assert isinstance(said, ValueCreatorSuspended)
    assert all(isinstance(end, JourneyEnded) and [reason.code for reason in end.reasons] == ["VALUE_CREATOR_SUSPENDED"] for end in ends) and len(ends) == 2
    with pytest.raises(errors.ValueCreatorNotAccepted):
        await asking.propose(member)


async def test_a_member_proposes_for_its_value_creator_until_it_is_removed(asking: Asking) -> None:
    founder = await asking.a_member()
    await add(asking, founder, "rower-1")
    assert (await asking.propose(a_person("rower-1"))).creator_id == founder.creator
    await remove(asking, founder, "rower-1")
    with pytest.raises(errors.NotAMember):
        await asking.propose(a_person("rower-1", founder.creator))
    said = [event for event in await asking.city.published() if isinstance(event, MemberAdded | MemberRemoved)]
    assert said == [
        MemberAdded(creator_id=founder.creator, subject="rower-1", roles=["member"]),
        MemberRemoved(creator_id=founder.creator, subject="rower-1"),
    ]


async def test_roles_change_and_an_admin_remains(asking: Asking) -> None:
    founder = await asking.a_member()
    with pytest.raises(errors.LastAdmin):
        await remove(asking, founder, "founder-1")
    with pytest.raises(errors.LastAdmin):
        await add(asking, founder, "founder-1", MEMBER_ROLE_MEMBER)
    assert list((await add(asking, founder, "rower-1", MEMBER_ROLE_ADMIN, MEMBER_ROLE_MEMBER)).roles) == [MEMBER_ROLE_MEMBER, MEMBER_ROLE_ADMIN]
    await remove(asking, a_person("rower-1", founder.creator), "founder-1")
    shown = await asking("get_value_creator", pb.GetValueCreatorRequest(creator_id=founder.creator), OFFICER)
    assert [member.subject for member in shown.members] == ["rower-1"]


async def test_only_an_admin_changes_members(asking: Asking) -> None:
    founder = await asking.a_member()
    await add(asking, founder, "rower-1")
    with pytest.raises(errors.NotAnAdmin):
        await add(asking, a_person("rower-1", founder.creator), "rower-2")


async def test_an_identity_acts_for_one_value_creator(asking: Asking) -> None:
    founder = await asking.a_member()
    await asking.a_member("Hill Climbers", "founder-2")
    with pytest.raises(errors.AlreadyAMember):
        await add(asking, founder, "founder-2")
    with pytest.raises(errors.AlreadyAMember):
        await asking.a_registered_creator("Another Club", "founder-1")


async def test_another_value_creator_looks_like_none(asking: Asking) -> None:
    founder = await asking.a_member()
    stranger = await asking.a_member("Hill Climbers", "founder-2")
    with pytest.raises(errors.ValueCreatorNotFound):
        await asking("get_value_creator", pb.GetValueCreatorRequest(creator_id=founder.creator), stranger)
    request = pb.AddMemberRequest(request_id=new_id(), creator_id=founder.creator, subject="rower-1", roles=[MEMBER_ROLE_MEMBER])
    with pytest.raises(errors.ValueCreatorNotFound):
        await asking("add_member", request, stranger)
    listed = await asking("list_value_creators", pb.ListValueCreatorsRequest(), stranger)
    assert [creator.name for creator in listed.value_creators] == ["Hill Climbers"]


async def test_officers_list_all_by_state_and_page(asking: Asking) -> None:
    for number in range(3):
        await asking.a_registered_creator(f"Club {number}", f"founder-{number}")
    await asking.a_member("Hill Climbers", "climber-1")
    request = pb.ListValueCreatorsRequest(states=[VALUE_CREATOR_STATE_REGISTERED], page_size=2)
    first = await asking("list_value_creators", request, OFFICER)
    request.page_token = first.next_page_token
    second = await asking("list_value_creators", request, OFFICER)
    names = [creator.name for creator in (*first.value_creators, *second.value_creators)]
    assert (names, second.next_page_token) == (["Club 2", "Club 1", "Club 0"], "")


async def test_a_suspension_waits_for_a_proposal_in_hand_and_ends_it(asking: Asking) -> None:
    member = await asking.a_member()
    request = pb.SuspendValueCreatorRequest(request_id=new_id(), creator_id=member.creator, reason="the club is under investigation")
    async with asking.city.db.transaction() as tx:
        proposal = ProposeServiceRequest(request_id=new_id(), manifest_yaml=a_manifest())
        await asking.within(tx, "propose_service", proposal, member)
        suspending = asyncio.create_task(asking("suspend_value_creator", request, OFFICER))
        async with asyncio.timeout(5):
            while not await tx.value("select count(*) from pg_locks where not granted"):
                await asyncio.sleep(0.02)
                assert not suspending.done()
    assert (await suspending).ended_journeys == 1
