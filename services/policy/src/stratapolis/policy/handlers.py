"""What policy does when it hears something: who creators are, and its part in journeys."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from city.governance.v1.events_pb2 import IndicatorMeasured, JourneyEnded, StageRequested, ValueCreatorAccepted, ValueCreatorSuspended
from city.innovation.v1.events_pb2 import CompetencyAwarded
from stratapolis.chassis import holds, outbox
from stratapolis.chassis.db import Tx
from stratapolis.chassis.errors import Permanent
from stratapolis.chassis.holds import Answer, Cleared, Version
from stratapolis.chassis.times import to_time
from stratapolis.policy import performing
from stratapolis.policy.assessing import Assessor
from stratapolis.policy.codec import funding as codec
from stratapolis.policy.codec import proposals
from stratapolis.policy.domain.funding import Reservation, Source, carry, commit, release, reserve, unchanged
from stratapolis.policy.domain.performance import last_day, over_at
from stratapolis.policy.store import creators, funding, performance


async def on_value_creator_accepted(event: ValueCreatorAccepted, *, tx: Tx, at: datetime) -> None:  # noqa: ARG001 - the shape of a handler
    """Note a value creator: the city's rules may ask for its kind."""
    await creators.note_accepted(tx, event.creator_id, event.kind)


async def on_value_creator_suspended(event: ValueCreatorSuspended, *, tx: Tx, at: datetime) -> None:  # noqa: ARG001 - the shape of a handler
    """Note that a value creator is stopped: nothing of it is cleared any more."""
    await creators.note_suspended(tx, event.creator_id)


async def on_competency_awarded(event: CompetencyAwarded, *, tx: Tx, at: datetime) -> None:  # noqa: ARG001 - the shape of a handler
    """A value creator has a competency by one of its members; what a person has for itself proposes nothing."""
    if event.creator_id:
        expires_at = to_time(event.expire_time) if event.HasField("expire_time") else None
        await creators.note_awarded(tx, event.award_id, event.creator_id, event.competency, expires_at)


async def on_indicator_measured(event: IndicatorMeasured, *, tx: Tx, at: datetime) -> None:
    """Note a value that somebody has promised something of; judged at once where its period is over."""
    day = last_day(event.period)
    if day is None:
        raise Permanent(f"{event.period!r} is no day, month or year")
    indicator = (event.indicator.framework, event.indicator.code, event.indicator.measure)
    over = over_at(day)
    promised = await performance.read(
        tx, indicator, event.scope, event.period, revision=event.revision, value=Decimal(event.value), unit=event.unit, over_at=over, last_day=day
    )
    if promised and over <= at:
        await performing.judge_due(tx=tx, at=at)


async def clear(request: StageRequested, *, tx: Tx, at: datetime, assessor: Assessor) -> Answer:
    """Clearing: assess the proposal and reserve its funding, or give all reasons. Asked again, what is reserved stays and all is assessed anew.

    An upgrade refers to the money that the live version has, where the manifest asks for the same; a changed amount is reserved beside it.
    """
    proposal = proposals.proposal(request.creator_id, request.manifest)
    held = await funding.reservations(tx, request.service_id, request.version)
    there = {reservation.source_id for reservation in held}
    live = await funding.reservations(tx, request.service_id, request.replaces.version)
    carried = tuple(carry(one, request.version) for one in unchanged(live, proposal.wanted) if one.source_id not in there)
    sources = await funding.lock(tx, proposal.wanted)
    assessment = await assessor.assess(tx, request.manifest.metadata.name, proposal, sources, (*held, *carried), at=at)
    if assessment.findings:
        return proposals.reasons(assessment)
    there |= {reservation.source_id for reservation in carried}
    new = {name: amount for name, amount in proposal.wanted.items() if name not in there}
    changed = [reserve(sources[name], amount, service_id=request.service_id, version=request.version) for name, amount in new.items()]
    await funding.put(tx, [*changed, *((sources[reservation.source_id], reservation) for reservation in carried)])
    await outbox.append(tx, *(codec.reserved(source, reservation) for source, reservation in changed))
    return proposals.cleared(assessment, proposal, sources)


async def connect(request: StageRequested, *, tx: Tx, at: datetime) -> Answer:  # noqa: ARG001 - the shape of a stage
    """Connecting: what is reserved is committed."""
    held, sources = await _held(tx, request.service_id, request.version)
    missing = {ask.source for ask in request.manifest.spec.funding} - {reservation.source_id for reservation in held}
    if missing:
        message = f"nothing is reserved of {', '.join(sorted(missing))}"
        return (holds.reason(proposals.LAYER, "FUNDING_NOT_RESERVED", message, field_path="spec.funding", hint="propose again"),)
    await _commit(tx, held, sources)
    return Cleared()


async def went_live(event: JourneyEnded, *, tx: Tx, at: datetime) -> None:  # noqa: ARG001 - the shape of a stage
    """Money is committed for good; what was the replaced version's and is asked for again is this one's now."""
    held, sources = await _held(tx, event.service_id, event.version)
    await _commit(tx, held, sources)
    await funding.take_over(tx, event.service_id, event.version)


async def let_go(version: Version, *, tx: Tx, at: datetime) -> None:  # noqa: ARG001 - the shape of letting go
    """Its money is free again."""
    held, sources = await _held(tx, version.service_id, version.version)
    own = [reservation for reservation in held if reservation.carried_from is None]
    freed = [(release(sources[reservation.source_id], reservation), reservation) for reservation in own]
    await funding.drop(tx, version.service_id, version.version, [source for source, _ in freed])
    await outbox.append(tx, *(codec.released(source, reservation) for source, reservation in freed))


async def _held(tx: Tx, service_id: str, version: int) -> tuple[tuple[Reservation, ...], dict[str, Source]]:
    """What a version of a service has, and the sources of it, locked."""
    held = await funding.reservations(tx, service_id, version)
    return held, await funding.lock(tx, [reservation.source_id for reservation in held])


async def _commit(tx: Tx, held: tuple[Reservation, ...], sources: dict[str, Source]) -> None:
    changed = [commit(sources[reservation.source_id], reservation) for reservation in held if not reservation.committed]
    await funding.put(tx, changed)
    await outbox.append(tx, *(codec.committed(source, reservation) for source, reservation in changed))
