"""What data hears: journeys' stages, connections, and what things observe."""

from collections.abc import Sequence
from datetime import datetime

from city.connectivity.v1.events_pb2 import ConnectionSevered, ConnectionTrusted
from city.connectivity.v1.observations_pb2 import ThingObserved
from city.governance.v1.events_pb2 import JourneyEnded, StageRequested
from city.journey.v1.journey_pb2 import Reason
from stratapolis.chassis import outbox
from stratapolis.chassis.db import Tx
from stratapolis.chassis.holds import Answer, Cleared, Version, Why
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.times import given, to_time
from stratapolis.data import taking
from stratapolis.data.codec import contracts as codec
from stratapolis.data.codec.observations import raw_reading
from stratapolis.data.domain import contract as domain
from stratapolis.data.domain.contract import Contract, ContractState, Terms, Use
from stratapolis.data.domain.errors import ContractEnded, EndPassed, UseDoubled
from stratapolis.data.domain.product import Product
from stratapolis.data.store import contracts, products
from stratapolis.data.taking import Limits

LAYER = "data"
ENDS = {
    Why.REJECTED: "its journey did not end live",
    Why.WITHDRAWN: "its journey did not end live",
    Why.REPLACED: "its version was replaced",
    Why.RETIRED: "its service is retired",
}
"""What a contract's end is put down to."""


async def on_things_observed(events: Sequence[ThingObserved], *, tx: Tx, at: datetime, limits: Limits) -> None:  # noqa: ARG001 - the shape of a handler
    """Take in a batch of the raw stream."""
    await taking.take_in(tx, [raw_reading(event) for event in events], way=taking.RAW, limits=limits)


async def on_connection_trusted(event: ConnectionTrusted, *, tx: Tx, at: datetime) -> None:  # noqa: ARG001 - the shape of a handler
    """Note who may come to data."""
    if event.target == LAYER:
        await contracts.trust(tx, event.connection_id, event.subject, to_time(event.end_time) if given(event.end_time) else None)


async def on_connection_severed(event: ConnectionSevered, *, tx: Tx, at: datetime) -> None:  # noqa: ARG001 - the shape of a handler
    """Note who may come no more."""
    await contracts.sever(tx, event.connection_id)


async def clear(request: StageRequested, *, tx: Tx, at: datetime) -> Answer:
    """Hold a contract for each data use of the manifest, or give all reasons against. What the live version has, an upgrade refers to."""
    for old in await contracts.contracts_of_journey(tx, request.journey_id):
        await contracts.put_contract(tx, domain.revoke(old, "asked for again"))
    live = await contracts.contracts_of_journey(tx, request.replaces.journey_id) if request.HasField("replaces") else []
    known = await products.products_named(tx, [use.product for use in request.manifest.spec.data])
    held: list[Contract] = []
    reasons: list[Reason] = []
    for number, asked in enumerate(request.manifest.spec.data):
        use = Use(product=asked.product, purpose=asked.purpose, start=asked.start, end=asked.end)
        terms, wrong = domain.judge(use, known.get(use.product), consumer=request.creator_id, at=at)
        reasons += [codec.reason(refusal, number) for refusal in wrong]
        if any(other.product == use.product and domain.same_purpose(other.purpose, use.purpose) for other in held):
            reasons.append(codec.reason(UseDoubled(use.product), number))
        elif terms is not None:
            same = next((contract for contract in live if domain.carries(contract, use, terms, at=at)), None)
            held.append(same or _held(request, known[use.product], terms, at))
    if reasons:
        return tuple(reasons)
    await contracts.carry(tx, request.journey_id, [contract.contract_id for contract in held if contract.journey_id != request.journey_id])
    for contract in held:
        if contract.journey_id == request.journey_id:
            await contracts.put_contract(tx, contract)
    return Cleared(held=[codec.held(contract) for contract in held])


async def connect(request: StageRequested, *, tx: Tx, at: datetime) -> Answer:
    """Grant what is held for the journey; what it refers to must still count."""
    held = [one for one in await contracts.contracts_of_journey(tx, request.journey_id) if one.state is ContractState.HELD]
    carried = await contracts.carried_by(tx, request.journey_id)
    late = [codec.reason(EndPassed(f"{one.end_at:%Y-%m-%d}"), number) for number, one in enumerate(held) if one.end_at <= at]
    late += [codec.reason(ContractEnded(one.product), number) for number, one in enumerate(carried) if one.state is not ContractState.GRANTED]
    if late:
        return tuple(late)
    for contract in held:
        granted = domain.grant(contract)
        await contracts.put_contract(tx, granted)
        await outbox.append(tx, codec.granted(granted))
    return Cleared()


async def went_live(event: JourneyEnded, *, tx: Tx, at: datetime) -> None:  # noqa: ARG001 - the shape of a stage
    """The service may ask for more contracts; what its new version refers to is that version's now."""
    await contracts.put_service(tx, event.service_id, event.creator_id)
    await contracts.take_over(tx, event.journey_id, event.version)


async def let_go(version: Version, *, tx: Tx, at: datetime) -> None:  # noqa: ARG001 - the shape of letting go
    """The version's contracts end."""
    await contracts.drop_carried(tx, version.journey_id)
    await _end(tx, await contracts.contracts_of_journey(tx, version.journey_id), ENDS[version.why])


async def retire(request: StageRequested, *, tx: Tx, at: datetime) -> Answer:  # noqa: ARG001 - the shape of a stage
    """Contracts that the service has by hand end too, and it can ask for none any more."""
    await contracts.drop_service(tx, request.service_id)
    await _end(tx, await contracts.open_of_service(tx, request.service_id), ENDS[Why.RETIRED])
    return Cleared()


async def _end(tx: Tx, ending: Sequence[Contract], reason: str) -> None:
    for contract in ending:
        over = domain.revoke(contract, reason)
        if over is not contract:
            await contracts.put_contract(tx, over)
            if over.state is ContractState.REVOKED:
                await outbox.append(tx, codec.revoked(over))


def _held(request: StageRequested, product: Product, terms: Terms, at: datetime) -> Contract:
    return Contract(
        contract_id=new_id(),
        product=product.name,
        product_owner=product.owner,
        service_id=request.service_id,
        version=request.version,
        owner=request.creator_id,
        purpose=terms.purpose,
        start_at=terms.start_at,
        end_at=terms.end_at,
        state=ContractState.HELD,
        reason="",
        journey_id=request.journey_id,
        created_at=at,
    )
