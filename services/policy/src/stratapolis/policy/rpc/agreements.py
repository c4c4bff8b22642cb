"""Agreements: made, signed, shown to their parties."""

from datetime import datetime

from city.policy.v1 import agreement_service_pb2 as pb
from stratapolis.chassis import outbox
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.paging import Page
from stratapolis.chassis.rpc import Call
from stratapolis.chassis.tables.currencies import minor_units
from stratapolis.chassis.times import to_time
from stratapolis.policy.codec import agreements as codec
from stratapolis.policy.codec import performance as performed
from stratapolis.policy.domain import agreement as domain
from stratapolis.policy.store import agreements, performance


class Agreements:
    """AgreementService."""

    async def create_agreement(self, request: pb.CreateAgreementRequest, call: Call) -> pb.CreateAgreementResponse:
        """An agreement for its parties to sign."""
        minor_units(request.currency)  # raises UnknownCurrency
        agreement = domain.create(
            new_id(),
            title=request.title,
            shares=codec.shares_of(request.shares),
            currency=request.currency,
            start_at=to_time(request.start_time) if request.HasField("start_time") else call.at,
            end_at=to_time(request.end_time),
            by=codec.signer(call.caller),
            at=call.at,
            metrics=performed.metrics_of(request.metrics, request.currency),
        )
        await agreements.add(call.tx, agreement)
        return pb.CreateAgreementResponse(agreement=codec.shown(agreement))

    async def sign_agreement(self, request: pb.SignAgreementRequest, call: Call) -> pb.SignAgreementResponse:
        """Sign for one party; the last signature is told to the city."""
        agreement = await agreements.for_update(call.tx, request.agreement_id, call.owners)
        agreement = domain.sign(agreement, party=request.party, by=codec.signer(call.caller), at=call.at)
        await agreements.put_signature(call.tx, agreement, agreement.signatures[-1])
        if agreement.signed_at is not None:
            await outbox.append(call.tx, codec.signed(agreement))
        return pb.SignAgreementResponse(agreement=codec.shown(agreement))

    async def get_agreement(self, request: pb.GetAgreementRequest, call: Call) -> pb.GetAgreementResponse:
        """One."""
        return pb.GetAgreementResponse(agreement=codec.shown(await agreements.get(call.tx, request.agreement_id, call.owners)))

    async def list_agreements(self, request: pb.ListAgreementsRequest, call: Call) -> pb.ListAgreementsResponse:
        """A page of agreements."""
        page = Page.of(request, datetime, str)
        found = await agreements.listed(call.tx, call.owners, party=request.party, after=page.after, limit=page.size + 1)
        fitting, token = page.fit(found, codec.shown, lambda agreement: (agreement.created_at, agreement.agreement_id))
        return pb.ListAgreementsResponse(agreements=fitting, next_page_token=token)

    async def list_performance_failures(self, request: pb.ListPerformanceFailuresRequest, call: Call) -> pb.ListPerformanceFailuresResponse:
        """A page of failures."""
        page = Page.of(request, datetime, str)
        found = await performance.listed(
            call.tx, call.owners, agreement_id=request.agreement_id, standing_only=request.standing_only, after=page.after, limit=page.size + 1
        )
        fitting, token = page.fit(found, performed.failure, lambda failure: (failure.raised_at, failure.failure_id))
        return pb.ListPerformanceFailuresResponse(failures=fitting, next_page_token=token)
