"""Funding sources: registered by officers, shown to everybody."""

from datetime import datetime

from city.policy.v1 import funding_service_pb2 as pb
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.money import to_decimal
from stratapolis.chassis.paging import Page
from stratapolis.chassis.rpc import Call
from stratapolis.chassis.tables.currencies import minor_units
from stratapolis.chassis.times import to_time
from stratapolis.policy.codec import funding as codec
from stratapolis.policy.domain.funding import register
from stratapolis.policy.store import funding


class Funding:
    """FundingService."""

    async def register_funding_source(self, request: pb.RegisterFundingSourceRequest, call: Call) -> pb.RegisterFundingSourceResponse:
        """Add a source."""
        minor_units(request.amount.currency_code)  # raises UnknownCurrency
        source = register(
            new_id(),
            title=request.title,
            kind=codec.KIND_OF[request.kind],
            currency=request.amount.currency_code,
            amount=to_decimal(request.amount),
            start_at=to_time(request.start_time) if request.HasField("start_time") else call.at,
            end_at=to_time(request.end_time),
            at=call.at,
        )
        await funding.add(call.tx, source)
        return pb.RegisterFundingSourceResponse(source=codec.shown(source))

    async def get_funding(self, request: pb.GetFundingRequest, call: Call) -> pb.GetFundingResponse:
        """One."""
        return pb.GetFundingResponse(source=codec.shown(await funding.get(call.tx, request.source_id)))

    async def list_funding_sources(self, request: pb.ListFundingSourcesRequest, call: Call) -> pb.ListFundingSourcesResponse:
        """A page of sources."""
        page = Page.of(request, datetime, str)
        found = await funding.listed(call.tx, kinds=[codec.KIND_OF[kind] for kind in request.kinds], after=page.after, limit=page.size + 1)
        fitting, token = page.fit(found, codec.shown, lambda source: (source.created_at, source.source_id))
        return pb.ListFundingSourcesResponse(sources=fitting, next_page_token=token)
