"""Observations: taking them in, and every way of reading them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from city.data.v1 import observations_service_pb2 as pb
from stratapolis.chassis.paging import Page
from stratapolis.chassis.rpc import Call, leaves_account
from stratapolis.chassis.times import to_time
from stratapolis.data import taking
from stratapolis.data.codec import observations as codec
from stratapolis.data.domain.errors import ContractEnded, ContractMissing, ContractNotGranted, CursorExpired, ProductNotFound, PurposeNotGranted
from stratapolis.data.domain.place import Box, Circle
from stratapolis.data.domain.product import Product
from stratapolis.data.domain.windows import a_day, boundaries, zone_of
from stratapolis.data.rpc.letting_in import LetIn, let_in
from stratapolis.data.store import reads
from stratapolis.data.store.intake import Outcome
from stratapolis.data.store.reads import Cursor, Observation
from stratapolis.data.taking import Limits

BEGINNING, END = datetime(1900, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
NEXT = timedelta(milliseconds=1)
LAST_SERIES = 2**63 - 1
STREAM_BATCH = 500
GONE = (ContractEnded, ContractMissing, ContractNotGranted, ProductNotFound, PurposeNotGranted)
"""What a stream that once was let in ends with as CONTRACT_ENDED."""


class Observations:
    """ObservationsService."""

    def __init__(self, limits: Limits, poll_seconds: float) -> None:
        self._limits, self._poll = limits, poll_seconds

    async def publish_observations(self, request: pb.PublishObservationsRequest, call: Call) -> pb.PublishObservationsResponse:
        """Take in the caller's own observations."""
        readings = [codec.own_reading(reading, call.caller.owner) for reading in request.readings]
        sorting, written = await taking.take_in(call.tx, readings, way=taking.GRPC, limits=self._limits)
        results = [codec.result_shown(written.differently.get(number, Outcome.ACCEPTED)) for number in range(len(readings))]
        for refused in sorting.refused:
            results[refused.number] = codec.refusal_shown(refused)
        return pb.PublishObservationsResponse(results=results)

    @leaves_account
    async def query_observations(self, request: pb.QueryObservationsRequest, call: Call) -> pb.QueryObservationsResponse:
        """A page of history."""
        page = Page.of(request, str, str, datetime)
        let = await let_in(call.tx, call.caller, request.product, request.purpose, at=call.at)
        start = to_time(request.start_time) if request.HasField("start_time") else BEGINNING
        end = to_time(request.end_time) if request.HasField("end_time") else END
        known, first_from = await reads.series_of(call.tx, let.product, things=request.things, properties=request.properties), start
        if page.after:
            thing, prop, seen = page.after
            known = [one for one in known if (one.series.thing, one.series.prop) >= (thing, prop)]
            if known and (known[0].series.thing, known[0].series.prop) == (thing, prop):
                first_from = max(start, seen + NEXT)
        found = await reads.history(call.tx, known, start=start, end=end, first_from=first_from, limit=page.size + 1)
        fitting, token = page.fit(found, lambda one: _shown(one, let.product), lambda one: (one.series.thing, one.series.prop, one.observed_at))
        await let.account(call.tx, "QueryObservations", len(fitting))
        return pb.QueryObservationsResponse(observations=fitting, next_page_token=token)

    @leaves_account
    async def latest_observations(self, request: pb.LatestObservationsRequest, call: Call) -> pb.LatestObservationsResponse:
        """A page of newest values."""
        page = Page.of(request, str, str)
        let = await let_in(call.tx, call.caller, request.product, request.purpose, at=call.at)
        if request.property:
            let.product.unit(request.property)
        found = await _latest(call, let.product, request.property, codec.area_of(request), page)
        fitting, token = page.fit(found, lambda one: _shown(one, let.product), lambda one: (one.series.thing, one.series.prop))
        await let.account(call.tx, "LatestObservations", len(fitting))
        return pb.LatestObservationsResponse(observations=fitting, next_page_token=token)

    async def stream_observations(self, request: pb.StreamObservationsRequest, call: Call) -> AsyncIterator[pb.StreamObservationsResponse]:
        """What arrives, as it arrives; the contract is looked at before every batch, in the transaction that reads it."""
        async with call.db.transaction() as tx:
            let = await let_in(tx, call.caller, request.product, request.purpose, at=tx.at)
            over = await reads.surely_over(tx)
            cursor = codec.cursor_of(request.cursor) if request.cursor else Cursor(over, LAST_SERIES, END)
            if cursor.txid > over or cursor.txid < await reads.forgotten(tx):
                raise CursorExpired
        yield pb.StreamObservationsResponse(cursor=codec.cursor_text(cursor))
        while True:
            let, items, cursor = await self._arrivals(request, call, cursor)
            if items:
                yield pb.StreamObservationsResponse(observations=[_shown(item, let.product) for item in items], cursor=codec.cursor_text(cursor))
            if len(items) < STREAM_BATCH:
                await asyncio.sleep(self._poll)

    @leaves_account
    async def aggregate(self, request: pb.AggregateRequest, call: Call) -> pb.AggregateResponse:
        """A page of windows."""
        page = Page.of(request, str, datetime)
        let = await let_in(call.tx, call.caller, request.product, request.purpose, at=call.at)
        unit, zone = let.product.unit(request.property), zone_of(request.zone or let.product.zone)
        first, last = a_day(request.first_day, "first_day"), a_day(request.last_day, "last_day")
        *starts, end = boundaries(first, last, zone, codec.WINDOW_OF[request.window])
        known = await reads.series_of(call.tx, let.product, things=request.things, properties=[request.property])
        after = (0, 0)
        if page.after:
            thing, seen = page.after
            number = sum(one.series.thing <= thing for one in known)
            after = (number, sum(start <= seen for start in starts))
        found = await reads.windows(call.tx, known, starts, end, after=after, limit=page.size + 1)
        ends = [*starts[1:], end]
        fitting, token = page.fit(
            found, lambda one: codec.window_shown(one, starts[one.bucket - 1], ends[one.bucket - 1]), lambda one: (one.thing, starts[one.bucket - 1])
        )
        await let.account(call.tx, "Aggregate", sum(one.count for one in fitting))
        return pb.AggregateResponse(windows=fitting, unit=unit, next_page_token=token)

    async def list_refused_observations(self, request: pb.ListRefusedObservationsRequest, call: Call) -> pb.ListRefusedObservationsResponse:
        """A page of raw observations that were refused."""
        page = Page.of(request, int)
        found = await reads.list_refused(call.tx, owners=call.owners, thing=request.thing, reason=request.reason, after=page.after, limit=page.size + 1)
        fitting, token = page.fit(found, codec.refused_shown, lambda row: (row["id"],))
        return pb.ListRefusedObservationsResponse(refused=fitting, next_page_token=token)

    async def list_intake(self, request: pb.ListIntakeRequest, call: Call) -> pb.ListIntakeResponse:
        """A page of hourly counts."""
        page = Page.of(request, datetime, str)
        found = await reads.list_intake(call.tx, after=page.after, limit=page.size + 1)
        fitting, token = page.fit(found, codec.intake_shown, lambda row: (row["hour"], row["way"]))
        return pb.ListIntakeResponse(intake=fitting, next_page_token=token)

    async def _arrivals(self, request: pb.StreamObservationsRequest, call: Call, cursor: Cursor) -> tuple[LetIn, list[Observation], Cursor]:
        """The next batch, and the cursor behind it; raises ContractEnded once the reader may read no more."""
        async with call.db.transaction() as tx:
            try:
                let = await let_in(tx, call.caller, request.product, request.purpose, at=tx.at)
            except GONE:
                raise ContractEnded(request.product, cursor=codec.cursor_text(cursor)) from None
            if cursor.txid < await reads.forgotten(tx):
                raise CursorExpired
            over = await reads.surely_over(tx)
            known = await reads.series_of(tx, let.product, properties=request.properties)
            found = await reads.arrived(tx, known, cursor, upto=over, limit=STREAM_BATCH)
            await let.account(tx, "StreamObservations", len(found))
        following = found[-1][0] if len(found) == STREAM_BATCH else max(cursor, Cursor(over, LAST_SERIES, END))
        return let, [observation for _, observation in found], following


async def _latest(call: Call, product: Product, prop: str, area: Box | Circle | None, page: Page) -> list[Observation]:
    """A page and one more; of a circle, its box is read and what lies in the corners is left out."""
    box = area.box if isinstance(area, Circle) else area
    found: list[Observation] = []
    after = page.after
    while len(found) <= page.size:
        rows = await reads.latest(call.tx, product, prop=prop, box=box, after=after, limit=page.size + 1)
        found += [row for row in rows if not isinstance(area, Circle) or (row.place is not None and area.holds(row.place))]
        if len(rows) <= page.size:
            break
        after = (rows[-1].series.thing, rows[-1].series.prop)
    return found[: page.size + 1]


def _shown(observation: Observation, product: Product) -> pb.Observation:
    return codec.observation_shown(observation, product.properties[observation.series.prop])
