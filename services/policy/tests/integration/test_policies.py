"""The city's policy set on a real database: founded once, published by one, put in force by another."""

import asyncio
from typing import Any

import pytest
from city.policy.v1 import policy_service_pb2 as pb
from city.policy.v1.policies_pb2 import PolicyActivated
from city.policy.v1.policy_pb2 import Example, Principal
from stratapolis.chassis.errors import InvalidField
from stratapolis.chassis.identity import Caller
from stratapolis.chassis.ids import new_id
from stratapolis.policy.domain.errors import (
    AlreadyFounded,
    NotFounded,
    PolicyExampleFailed,
    PolicyNotFound,
    PolicyNotValid,
    PolicySuperseded,
    SamePerson,
)
from stratapolis.policy.rpc.policies import Policies, founding

from services.policy.tests.builders import ADA, Layer, a_caller, a_manifest, a_request

PIA = a_caller("pia", roles=("policy_admin",))
PAUL = a_caller("paul", roles=("policy_admin",))
MEMBER = Principal(kind="person", creator="acme", creator_roles=["member"])
STRICT = founding() + '@id("TOO_SMALL") @message("too small") forbid (principal, action == Action::"Propose", resource) when { context.free };'


async def ask(of: Layer, caller: Caller, rpc: str, /, **fields: Any) -> Any:
    """Call an RPC of PolicyService in a transaction of its own."""
    name = "".join(part.title() for part in rpc.split("_"))
    request = getattr(pb, f"{name}Request")(**fields)
    async with of.db.transaction() as tx:
        return await getattr(Policies(of.in_force), rpc)(request, of.call(tx, caller))


async def publish(layer: Layer, cedar: str = STRICT, *, by: Caller = PIA, examples: tuple[Example, ...] = ()) -> int:
    answer = await ask(layer, by, "publish_policy", request_id=new_id(), cedar=cedar, note="stricter", examples=examples)
    return int(answer.policy.version)


async def activate(layer: Layer, version: int, by: Caller = PAUL) -> Any:
    return (await ask(layer, by, "activate_policy", request_id=new_id(), version=version)).policy


async def test_founding_puts_the_shipped_set_in_force_in_every_process(layer: Layer) -> None:
    assert await layer.found() == 1
    (said,) = await layer.under.published()
    assert isinstance(said, PolicyActivated)
    assert (said.name, said.version, said.cedar) == ("city", 1, founding())
    with pytest.raises(AlreadyFounded):
        await layer.found()
    assert await layer.under.published() == []


async def test_of_many_who_found_at_once_one_does(layer: Layer) -> None:
    done = await asyncio.gather(*(layer.found(f"founder-{number}") for number in range(5)), return_exceptions=True)
    assert [one for one in done if isinstance(one, int)] == [1]
    assert [type(one) for one in done if not isinstance(one, int)] == [AlreadyFounded] * 4


async def test_a_published_version_changes_nothing_until_another_person_activates_it(layer: Layer) -> None:
    await layer.found()
    version = await publish(layer)
    await layer.under.published()
    assert (await layer.answer(a_request(a_manifest()))).decided_on == "1"
    with pytest.raises(SamePerson):
        await activate(layer, version, PIA)
    assert (await activate(layer, version)).active
    (said,) = await layer.under.published()
    assert isinstance(said, PolicyActivated) and said.version == version
    refused = await layer.answer(a_request(a_manifest()))
    assert [reason.code for reason in refused.reasons] == ["TOO_SMALL"]


async def test_versions_only_go_forward(layer: Layer) -> None:
    await layer.found()
    second, third = await publish(layer), await publish(layer, founding())
    await activate(layer, third)
    for version in (1, second, third):
        with pytest.raises((PolicySuperseded, SamePerson)) as refused:
            await activate(layer, version)
        assert refused.type is PolicySuperseded
    with pytest.raises(PolicyNotFound):
        await activate(layer, 9)


async def test_a_text_with_faults_is_not_kept(layer: Layer) -> None:
    for text in ("permit (", '@id("a") permit (principal, action == Action::"governance.Nothing", resource);'):
        with pytest.raises(PolicyNotValid):
            await publish(layer, text)
    assert list((await ask(layer, ADA, "list_policies")).policies) == []


async def test_a_set_that_decides_an_example_otherwise_is_not_kept(layer: Layer) -> None:
    proposes = Example(principal=MEMBER, layer="governance", rpc="ProposeService", allowed=True)
    decides = Example(principal=MEMBER, layer="governance", rpc="DecideProposal", allowed=True)
    with pytest.raises(PolicyExampleFailed) as refused:
        await publish(layer, examples=(proposes, decides))
    assert "examples[1]" in refused.value.message and "examples[0]" not in refused.value.message
    decides.allowed = False
    assert await publish(layer, examples=(proposes, decides)) == 1


async def test_an_example_of_what_no_layer_answers_is_refused(layer: Layer) -> None:
    with pytest.raises(InvalidField):
        await publish(layer, examples=(Example(principal=MEMBER, layer="governance", rpc="Nothing"),))


async def test_authorize_answers_as_the_layers_decide(layer: Layer) -> None:
    with pytest.raises(NotFounded):
        await ask(layer, ADA, "authorize", principal=MEMBER, layer="governance", rpc="ProposeService")
    await layer.found()
    allowed = await ask(layer, ADA, "authorize", principal=MEMBER, layer="governance", rpc="ProposeService")
    assert (allowed.allowed, list(allowed.policy_ids), allowed.version) == (True, ["members-propose"], 1)
    denied = await ask(layer, ADA, "authorize", principal=MEMBER, layer="governance", rpc="DecideProposal")
    assert (denied.allowed, list(denied.policy_ids), denied.version) == (False, [], 1)
    with pytest.raises(InvalidField):
        await ask(layer, ADA, "authorize", principal=MEMBER, layer="governance", rpc="Nothing")


async def test_a_decision_is_explained_by_every_rule_that_speaks_of_the_call(layer: Layer) -> None:
    with pytest.raises(NotFounded):
        await ask(layer, ADA, "explain_decision", principal=MEMBER, layer="governance", rpc="ProposeService")
    await layer.found()
    member = await ask(layer, ADA, "explain_decision", principal=MEMBER, layer="governance", rpc="ProposeService")
    assert (member.allowed, member.version, list(member.admits)) == (True, 1, ["owner"])
    applied = {rule.policy_id: rule for rule in member.rules if rule.applied}
    assert set(applied) == {"members-propose"}
    assert applied["members-propose"].cedar.startswith('@id("members-propose")\npermit (') and applied["members-propose"].cedar.endswith(";")
    nobody = await ask(layer, ADA, "explain_decision", principal=Principal(kind="person"), layer="governance", rpc="ProposeService")
    assert (nobody.allowed, [rule.policy_id for rule in nobody.rules if rule.applied]) == (False, [])
    assert [rule.policy_id for rule in nobody.rules] == [rule.policy_id for rule in member.rules], "what would have been needed is shown"
    reads = await ask(layer, ADA, "explain_decision", principal=MEMBER, layer="data", rpc="ListContracts")
    assert "anyone-reads" in {rule.policy_id for rule in reads.rules if rule.applied}
    assert "members-propose" not in {rule.policy_id for rule in reads.rules}


async def test_a_version_that_is_not_in_force_is_explained_too(layer: Layer) -> None:
    await layer.found()
    version = await publish(layer, founding() + '@id("closed") // for a ";" of repairs\nforbid (principal, action, resource is Layer);')
    asked: dict[str, Any] = {"principal": MEMBER, "layer": "governance", "rpc": "ProposeService"}
    assert (await ask(layer, ADA, "explain_decision", **asked)).allowed
    found = await ask(layer, ADA, "explain_decision", **asked, version=version)
    assert (found.allowed, found.version, [rule.policy_id for rule in found.rules if rule.applied]) == (False, version, ["closed"])
    assert found.rules[-1].effect == "forbid"
    with pytest.raises(PolicyNotFound):
        await ask(layer, ADA, "explain_decision", **asked, version=9)
    with pytest.raises(InvalidField):
        await ask(layer, ADA, "explain_decision", principal=MEMBER, layer="governance", rpc="Nothing")


async def test_versions_are_listed_newest_first_without_their_texts(layer: Layer) -> None:
    await layer.found()
    for _ in range(4):
        await publish(layer)
    first = await ask(layer, ADA, "list_policies", page_size=3)
    rest = await ask(layer, ADA, "list_policies", page_size=3, page_token=first.next_page_token)
    assert [policy.version for policy in (*first.policies, *rest.policies)] == [5, 4, 3, 2, 1] and not rest.next_page_token
    assert {policy.cedar for policy in first.policies} == {""}
    assert [policy.active for policy in rest.policies] == [False, True]


async def test_a_version_is_shown_with_its_text_and_none_asks_for_the_one_in_force(layer: Layer) -> None:
    with pytest.raises(NotFounded):
        await ask(layer, ADA, "get_policy")
    await layer.found()
    version = await publish(layer)
    assert (await ask(layer, ADA, "get_policy")).policy.version == 1
    shown = (await ask(layer, ADA, "get_policy", version=version)).policy
    assert (shown.cedar, shown.note, shown.publisher, shown.active) == (STRICT, "stricter", "pia", False)
    with pytest.raises(PolicyNotFound):
        await ask(layer, ADA, "get_policy", version=9)


async def test_the_schema_itself_lets_no_published_text_be_edited(layer: Layer) -> None:
    await layer.found()
    with pytest.raises(Exception, match="publish another"):
        async with layer.db.transaction() as tx:
            await tx.execute("update policy set cedar = 'permit (principal, action, resource);'")
