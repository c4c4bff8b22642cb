"""Finding services."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from city.value_catalog.v1 import catalog_service_pb2 as pb
from stratapolis.chassis import changes
from stratapolis.chassis.errors import InvalidField
from stratapolis.chassis.paging import Page
from stratapolis.chassis.rpc import Call
from stratapolis.value_catalog.codec import entries as codec
from stratapolis.value_catalog.store import entries
from stratapolis.value_catalog.store.entries import Filter

WATCH_SECONDS = 0.2
"""How often a watch looks at the database for more."""
WATCH_AT_ONCE = 100
COSTS = {pb.COST_UNSPECIFIED: None, pb.COST_FREE: True, pb.COST_PAID: False}


class Catalog:
    """CatalogService: what is live, alike to everybody; what is not, to who has to do with it."""

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
        return pb.GetServiceResponse(entry=codec.shown(await entries.get(call.tx, request.service_id, call.owners), call.at))

    async def watch_catalog(self, request: pb.WatchCatalogRequest, call: Call) -> AsyncIterator[pb.WatchCatalogResponse]:
        """First how everything stands, then each change; of what the caller may see no more, that it is gone."""
        async with call.db.transaction(readonly=True) as tx:
            after = changes.cursor_of(request.cursor, horizon := await changes.horizon(tx))
        while True:
            async with call.db.transaction(readonly=True) as tx:
                found = await entries.changed(tx, call.owners, after, WATCH_AT_ONCE)
                at = tx.at
            for row, after in found:
                if row["may_see"] or request.cursor or int(after[0]) >= int(horizon):
                    entry = codec.shown(row, at) if row["may_see"] else None
                    yield pb.WatchCatalogResponse(service_id=row["service_id"], entry=entry, cursor=changes.written(after))
            if not found:
                await asyncio.sleep(WATCH_SECONDS)

    async def list_life_events(self, request: pb.ListLifeEventsRequest, call: Call) -> pb.ListLifeEventsResponse:
        """What people look for services by, and how many there are."""
        page = Page.of(request, str)
        rows = await entries.life_events(call.tx, after=page.after[0] if page.after else None, limit=page.size + 1)
        fitting, token = page.fit(rows, lambda row: pb.LifeEvent(name=row["name"], services=row["services"]), lambda row: (row["name"],))
        return pb.ListLifeEventsResponse(life_events=fitting, next_page_token=token)

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
        life_event=asked.life_event,
        box=_box(asked.box) if asked.HasField("box") else None,
    )


def _box(box: pb.Box) -> tuple[float, float, float, float]:
    southwest, northeast = box.southwest, box.northeast
    if southwest.latitude > northeast.latitude:
        raise InvalidField("filter.box", "the southwest corner lies north of the other")
    return southwest.latitude, northeast.latitude, southwest.longitude, northeast.longitude
