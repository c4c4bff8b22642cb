"""Contracts and disclosures."""

from datetime import datetime

from city.data.v1 import data_contracts_service_pb2 as pb
from stratapolis.chassis import outbox
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.paging import Page
from stratapolis.chassis.rpc import Call
from stratapolis.data.codec import contracts as codec
from stratapolis.data.domain import contract as domain
from stratapolis.data.domain.contract import Contract, ContractState, Terms, Use
from stratapolis.data.domain.errors import ContractExists, ContractNotFound, ProductNotFound, ProductNotPublished, ServiceNotFound
from stratapolis.data.domain.product import Product
from stratapolis.data.store import contracts, products


class DataContracts:
    """DataContractsService."""

    async def request_contract(self, request: pb.RequestContractRequest, call: Call) -> pb.RequestContractResponse:
        """Grant a live service a product, by the rules that a journey is held to."""
        owner = await contracts.owner_of_service(call.tx, request.service_id)
        if owner is None or owner not in call.caller.owners:
            raise ServiceNotFound(request.service_id)
        product = await products.product_named(call.tx, request.product)
        if product is None or not product.visible_to(call.caller.owners):
            raise ProductNotFound(request.product)
        if not product.is_published:
            raise ProductNotPublished(request.product)
        use = Use(product=product.name, purpose=request.purpose, start=request.start, end=request.end)
        terms, wrong = domain.judge(use, product, consumer=owner, at=call.at)
        if terms is None:
            raise wrong[0]
        for other in await contracts.contracts_for(call.tx, request.service_id, product.name):
            if other.state in (ContractState.HELD, ContractState.GRANTED) and domain.same_purpose(other.purpose, terms.purpose):
                raise ContractExists(other.contract_id)
        contract = _granted(request.service_id, owner, product, terms, call.at)
        await contracts.put_contract(call.tx, contract)
        await outbox.append(call.tx, codec.granted(contract))
        return pb.RequestContractResponse(contract=codec.contract_shown(contract))

    async def revoke_contract(self, request: pb.RevokeContractRequest, call: Call) -> pb.RevokeContractResponse:
        """End a contract before its time; one that has ended stays as it is."""
        contract = await contracts.contract_for_update(call.tx, request.contract_id, call.owners)
        if contract is None:
            raise ContractNotFound(request.contract_id)
        over = domain.revoke(contract, request.reason)
        if over is not contract:
            await contracts.put_contract(call.tx, over)
            if over.state is ContractState.REVOKED:
                await outbox.append(call.tx, codec.revoked(over))
        return pb.RevokeContractResponse(contract=codec.contract_shown(over))

    async def list_contracts(self, request: pb.ListContractsRequest, call: Call) -> pb.ListContractsResponse:
        """A page of contracts."""
        page = Page.of(request, datetime, str)
        found = await contracts.list_contracts(
            call.tx,
            owners=call.owners,
            product=request.product,
            service_id=request.service_id,
            states=[codec.STATE_OF[state] for state in request.states],
            after=page.after,
            limit=page.size + 1,
        )
        fitting, token = page.fit(found, codec.contract_shown, lambda contract: (contract.created_at, contract.contract_id))
        return pb.ListContractsResponse(contracts=fitting, next_page_token=token)

    async def list_disclosures(self, request: pb.ListDisclosuresRequest, call: Call) -> pb.ListDisclosuresResponse:
        """A page of what was disclosed."""
        page = Page.of(request, int)
        found = await contracts.list_disclosures(
            call.tx, owners=call.owners, product=request.product, contract_id=request.contract_id, after=page.after, limit=page.size + 1
        )
        fitting, token = page.fit(found, codec.disclosure_shown, lambda one: (one.number,))
        return pb.ListDisclosuresResponse(disclosures=fitting, next_page_token=token)


def _granted(service_id: str, owner: str, product: Product, terms: Terms, at: datetime) -> Contract:
    return Contract(
        contract_id=new_id(),
        product=product.name,
        product_owner=product.owner,
        service_id=service_id,
        version=0,
        owner=owner,
        purpose=terms.purpose,
        start_at=terms.start_at,
        end_at=terms.end_at,
        state=ContractState.GRANTED,
        reason="",
        journey_id="",
        created_at=at,
    )
