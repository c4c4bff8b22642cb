"""Infrastructure's part in journeys: hold capacity, run software, let go of both."""

from __future__ import annotations

import difflib
from datetime import datetime

from city.governance.v1.events_pb2 import JourneyEnded, StageRequested
from city.journey.v1 import journey_pb2 as pb
from stratapolis.chassis import outbox
from stratapolis.chassis.db import Tx
from stratapolis.chassis.holds import Answer, Cleared, Refusal, Version, reason
from stratapolis.infrastructure.codec.pools import need_of, released
from stratapolis.infrastructure.domain.deployment import State
from stratapolis.infrastructure.domain.pool import Need, Share, shortages
from stratapolis.infrastructure.store import artefacts, deployments, pools

LAYER = "infrastructure"
PATH = "spec.runtime.process"
NAMED = 10
"""How many names a hint lists."""


async def clear(request: StageRequested, *, default_pool: str, quota: Share, tx: Tx, at: datetime) -> Answer:
    """Hold capacity for what the manifest wants to run, or say all that stands against it. Without software nothing is held."""
    runtime = request.manifest.spec.runtime
    if runtime.WhichOneof("software") != "process":
        return Cleared()
    name, need = runtime.process.pool or default_pool, need_of(runtime.process)
    if await pools.allocation(tx, request.journey_id) is None:
        reasons = (*await _lacks(tx, request, name, need, quota), *await _unknown_artefact(tx, runtime.process.artefact))
        if reasons:
            return reasons
        await pools.reserve(
            tx, journey_id=request.journey_id, service_id=request.service_id, version=request.version, owner=request.creator_id, pool=name, need=need, at=at
        )
    return Cleared(held=[pb.Held(kind="capacity", reference=name, amount=str(need.total))])


async def deploy(request: StageRequested, *, tx: Tx, at: datetime) -> Answer | None:
    """Want it to run, and answer when it does; what runs already is answered at once."""
    runtime = request.manifest.spec.runtime
    if runtime.WhichOneof("software") != "process":
        return Cleared()
    held = await pools.allocation(tx, request.journey_id)
    if held is None:
        return (reason(LAYER, "NOTHING_HELD", "no capacity is held for this version", hint="propose it again"),)
    question, known = request.SerializeToString(), await deployments.deployment_for_update(tx, request.journey_id)
    if known is None:
        await deployments.ask(
            tx, journey_id=request.journey_id, service_id=request.service_id, version=request.version, owner=request.creator_id,
            artefact=runtime.process.artefact, health=runtime.process.health, pool=held.pool, need=need_of(runtime.process), question=question, at=at,
        )  # fmt: skip
        return None
    if known.state is State.FAILED:
        return failed(known.message)
    if known.ready_at is not None:
        return Cleared(endpoint=known.endpoint)
    await deployments.ask_again(tx, request.journey_id, question)
    return None


async def went_live(event: JourneyEnded, *, tx: Tx, at: datetime) -> None:
    """What is held stays held."""
    await pools.commit(tx, event.journey_id, at)


async def let_go(version: Version, *, tx: Tx, at: datetime) -> None:
    """What runs is to be gone, and its capacity with it; where nothing runs it is free at once."""
    if not await deployments.want_gone(tx, version.journey_id, at):
        await give_back(tx, version.journey_id, at)


async def retire(request: StageRequested, *, tx: Tx, at: datetime) -> Answer | None:  # noqa: ARG001 - the shape of a stage
    """Gone is what runs no more: asked again until then."""
    return None if await deployments.leaving(tx, request.service_id) else Cleared()


async def give_back(tx: Tx, journey_id: str, at: datetime) -> None:
    """Give capacity back and say so; doing it again changes nothing."""
    if (was := await pools.release(tx, journey_id, at)) is not None:
        await outbox.append(tx, released(was))


def failed(message: str) -> Refusal:
    """The answer for software that did not get ready."""
    return (reason(LAYER, "DEPLOYMENT_FAILED", message, field_path=PATH, hint="mend the software, let an operator register it and propose again"),)


async def _lacks(tx: Tx, request: StageRequested, name: str, need: Need, quota: Share) -> Refusal:
    row = await pools.row_for_update(tx, name)
    if row is None:
        known = ", ".join(each["name"] for each in await pools.listed(tx, "", NAMED))
        hint = f"there are {known}" if known else "an operator registers pools"
        return (reason(LAYER, "UNKNOWN_POOL", f"there is no pool {name}", field_path=f"{PATH}.pool", hint=hint),)
    held = await pools.held_by(tx, name, request.creator_id)
    lacks = shortages(pools.pool(row, quota), held, need, beside=await _beside(tx, request))
    return tuple(reason(LAYER, lack.code, lack.message, field_path=f"{PATH}.{lack.field}", hint=lack.hint) for lack in lacks)


async def _beside(tx: Tx, request: StageRequested) -> str:
    """What an upgrade's live version holds until it has drained, in words; empty: there is none, or it holds nothing."""
    live = await pools.allocation(tx, request.replaces.journey_id) if request.HasField("replaces") else None
    return f"version {live.version}, which holds {live.amount} of pool {live.pool} until it has drained" if live is not None else ""


async def _unknown_artefact(tx: Tx, name: str) -> Refusal:
    if await artefacts.one(tx, name) is not None:
        return ()
    known = await artefacts.names(tx)
    alike = ", ".join(difflib.get_close_matches(name, known, n=3) or known[:NAMED])
    hint = f"there are {alike}" if alike else "an operator registers artefacts"
    return (reason(LAYER, "UNKNOWN_ARTEFACT", f"no artefact {name} is registered", field_path=f"{PATH}.artefact", hint=hint),)
