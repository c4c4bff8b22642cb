"""Value creators and their members."""

from datetime import datetime

from city.governance.v1 import value_creator_service_pb2 as pb
from city.governance.v1.events_pb2 import MemberAdded, MemberRemoved, ValueCreatorSuspended
from stratapolis.chassis import outbox
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.paging import Page
from stratapolis.chassis.rpc import Call
from stratapolis.governance import progress
from stratapolis.governance.codec import creators as codec
from stratapolis.governance.codec import services as services_codec
from stratapolis.governance.domain import value_creator as domain
from stratapolis.governance.domain.journey import GOVERNANCE, stop
from stratapolis.governance.domain.service import suspend as suspend_service
from stratapolis.governance.domain.step import Reason
from stratapolis.governance.domain.value_creator import Member, Role, ValueCreator
from stratapolis.governance.store import creators, journeys, services


class ValueCreators:
    """ValueCreatorService."""

    async def register_value_creator(self, request: pb.RegisterValueCreatorRequest, call: Call) -> pb.RegisterValueCreatorResponse:
        """Ask to be let in; the caller is the first member."""
        kind, founder = codec.KIND_OF[request.kind], call.caller.subject
        creator = ValueCreator(creator_id=new_id(), name=request.name.strip(), kind=kind, founding_subject=founder, registered_at=call.at, updated_at=call.at)
        await creators.add(call.tx, creator)
        await creators.put_member(call.tx, creator.creator_id, Member(subject=founder, roles=(Role.ADMIN,), added_at=call.at))
        return pb.RegisterValueCreatorResponse(value_creator=codec.shown(creator))

    async def accept_value_creator(self, request: pb.AcceptValueCreatorRequest, call: Call) -> pb.AcceptValueCreatorResponse:
        """Let one in."""
        creator = domain.accept(await creators.for_update(call.tx, request.creator_id, call.owners), at=call.at)
        await creators.put(call.tx, creator)
        await outbox.append(call.tx, codec.accepted(creator))
        return pb.AcceptValueCreatorResponse(value_creator=codec.shown(creator))

    async def refuse_value_creator(self, request: pb.RefuseValueCreatorRequest, call: Call) -> pb.RefuseValueCreatorResponse:
        """Turn one away; its founder may try again."""
        reasons = tuple(Reason(layer=GOVERNANCE, code="OFFICER_REFUSED", message=message) for message in request.reasons)
        creator = domain.refuse(await creators.for_update(call.tx, request.creator_id, call.owners), reasons, at=call.at)
        await creators.put(call.tx, creator)
        await creators.drop_members(call.tx, creator.creator_id)
        await outbox.append(call.tx, codec.refused(creator))
        return pb.RefuseValueCreatorResponse(value_creator=codec.shown(creator))

    async def suspend_value_creator(self, request: pb.SuspendValueCreatorRequest, call: Call) -> pb.SuspendValueCreatorResponse:
        """Stop one, and its open journeys and live services with it."""
        reason = Reason(layer=GOVERNANCE, code="VALUE_CREATOR_SUSPENDED", message=request.reason)
        creator = domain.suspend(await creators.for_update(call.tx, request.creator_id, call.owners), reason, at=call.at)
        await creators.put(call.tx, creator)
        await outbox.append(call.tx, ValueCreatorSuspended(creator_id=creator.creator_id, reason=request.reason))
        open_ones = await journeys.open_of(call.tx, creator.creator_id)
        for journey in open_ones:
            await progress.keep(call.tx, stop(journey, reason, actor=call.caller.subject, at=call.at))
        for service in await services.live_of(call.tx, creator.creator_id):
            stopped = suspend_service(service, request.reason, by_city=True, at=call.at)
            await services.put(call.tx, stopped)
            await outbox.append(call.tx, services_codec.suspended(stopped))
        return pb.SuspendValueCreatorResponse(value_creator=codec.shown(creator), ended_journeys=len(open_ones))

    async def get_value_creator(self, request: pb.GetValueCreatorRequest, call: Call) -> pb.GetValueCreatorResponse:
        """One, with its members."""
        creator = await creators.get(call.tx, request.creator_id, call.owners)
        members = await creators.members(call.tx, creator.creator_id)
        return pb.GetValueCreatorResponse(value_creator=codec.shown(creator), members=[codec.member_shown(member) for member in members])

    async def list_value_creators(self, request: pb.ListValueCreatorsRequest, call: Call) -> pb.ListValueCreatorsResponse:
        """A page of value creators."""
        page = Page.of(request, datetime, str)
        states = [codec.STATE_OF[state] for state in request.states]
        found = await creators.listed(call.tx, call.owners, states=states, after=page.after, limit=page.size + 1)
        fitting, token = page.fit(found, codec.shown, lambda creator: (creator.registered_at, creator.creator_id))
        return pb.ListValueCreatorsResponse(value_creators=fitting, next_page_token=token)

    async def add_member(self, request: pb.AddMemberRequest, call: Call) -> pb.AddMemberResponse:
        """Make an identity a member, or change its roles."""
        creator, members = await self._to_change(request.creator_id, call)
        known = {member.subject: member.added_at for member in members}
        roles = tuple(role for role in Role if codec.ROLES[role] in request.roles)
        member = Member(subject=request.subject, roles=roles, added_at=known.get(request.subject, call.at))
        domain.with_member(members, member, by=call.caller.subject)
        await creators.put_member(call.tx, creator.creator_id, member)
        await outbox.append(call.tx, MemberAdded(creator_id=creator.creator_id, subject=member.subject, roles=list(roles)))
        return pb.AddMemberResponse(member=codec.member_shown(member))

    async def remove_member(self, request: pb.RemoveMemberRequest, call: Call) -> pb.RemoveMemberResponse:
        """End a membership."""
        creator, members = await self._to_change(request.creator_id, call)
        domain.without_member(members, request.subject, by=call.caller.subject)
        await creators.drop_member(call.tx, creator.creator_id, request.subject)
        await outbox.append(call.tx, MemberRemoved(creator_id=creator.creator_id, subject=request.subject))
        return pb.RemoveMemberResponse()

    async def _to_change(self, creator_id: str, call: Call) -> tuple[ValueCreator, tuple[Member, ...]]:
        """A value creator whose members may change, locked, and its members."""
        creator = await creators.for_update(call.tx, creator_id, call.owners)
        domain.may_change_members(creator)
        return creator, await creators.members(call.tx, creator_id)
