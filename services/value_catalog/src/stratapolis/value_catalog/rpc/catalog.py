"""Finding services."""

from __future__ import annotations

from city.value_catalog.v1 import catalog_service_pb2 as pb
from stratapolis.chassis.errors import InvalidField
from stratapolis.chassis.paging import Page
from stratapolis.chassis.rpc import Call
from stratapolis.value_catalog.codec import entries as codec
from stratapolis.value_catalog.store import entries
from stratapolis.value_catalog.store.entries import Filter

COSTS = {pb.COST_UNSPECIFIED: None, pb.COST_FREE: True, pb.COST_PAID: False}


class Catalog:
    """CatalogService: shown entries alone, alike to everybody."""

    async def search_services(self, request: pb.SearchServicesRequest, call: Call) -> pb.SearchServicesResponse:
        """By words, the best first."""
        page = Page.of(request, float, str)
        after = (page.after[0], page.after[1]) if page.after else None
        rows = await entries.search(call.tx, request.query, _filter(request.filter), after=after, limit=page.size + 1)
        found, token = page.fit(rows, lambda row: pb.Found(entry=codec.shown(row, call.at), rank=row["rank"]), lambda row: (row["rank"], row["service_id"]))
        return pb.SearchServicesResponse(found=found, next_page_token=token)

    async def list_services(self, request: pb.ListServicesRequest, call: Call) -> pb.ListServicesResponse:
        """By title."""
        page = Page.of(request, str, str)
        after = (page.after[0], page.after[1]) if page.after else None
        rows = await entries.browse(call.tx, _filter(request.filter), after=after, limit=page.size + 1)
        fitting, token = page.fit(rows, lambda row: codec.shown(row, call.at), lambda row: (row["title"], row["service_id"]))
        return pb.ListServicesResponse(entries=fitting, next_page_token=token)

    async def get_service(self, request: pb.GetServiceRequest, call: Call) -> pb.GetServiceResponse:
        """One, with all that is known of it."""
        return pb.GetServiceResponse(entry=codec.shown(await entries.get(call.tx, request.service_id), call.at))

    async def list_categories(self, request: pb.ListCategoriesRequest, call: Call) -> pb.ListCategoriesResponse:
        """What there is, and how much of it."""
        page = Page.of(request, str)
        rows = await entries.categories(call.tx, after=page.after[0] if page.after else None, limit=page.size + 1)
        fitting, token = page.fit(rows, lambda row: pb.Category(name=row["category"], services=row["services"]), lambda row: (row["category"],))
        return pb.ListCategoriesResponse(categories=fitting, next_page_token=token)

    async def list_outcomes(self, request: pb.ListOutcomesRequest, call: Call) -> pb.ListOutcomesResponse:
        """What the services are for, and where the city stands."""
        page = Page.of(request, str, str, str)
        after = (page.after[0], page.after[1], page.after[2]) if page.after else None
        rows = await entries.outcomes(call.tx, after=after, limit=page.size + 1)
        fitting, token = page.fit(rows, codec.promised, lambda row: (row["framework"], row["code"], row["measure"]))
        return pb.ListOutcomesResponse(outcomes=fitting, next_page_token=token)


def _filter(asked: pb.ServiceFilter) -> Filter:
    key = asked.indicator
    return Filter(
        category=asked.category,
        indicator=(key.framework, key.code, key.measure) if asked.HasField("indicator") else None,
        stakeholder=codec.stakeholder(asked.stakeholder),
        creator_id=asked.creator_id,
        is_free=COSTS[asked.cost],
        box=_box(asked.box) if asked.HasField("box") else None,
    )


def _box(box: pb.Box) -> tuple[float, float, float, float]:
    southwest, northeast = box.southwest, box.northeast
    if southwest.latitude > northeast.latitude:
        raise InvalidField("filter.box", "the southwest corner lies north of the other")
    return southwest.latitude, northeast.latitude, southwest.longitude, northeast.longitude
