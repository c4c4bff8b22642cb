"""`city services` and `city service`: what the city offers, and change of what is live."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from city.governance.v1.lifecycle_service_pb2 import GetServiceStateRequest, ResumeServiceRequest, RetireServiceRequest, SuspendServiceRequest
from city.governance.v1.lifecycle_service_pb2_grpc import LifecycleServiceStub
from city.governance.v1.service_pb2 import Service, ServiceState
from city.manifest.v1.manifest_pb2 import Model, Plan, Price, Stakeholder
from city.types.v1.types_pb2 import Place, Side
from city.value_catalog.v1.catalog_service_pb2 import (
    Box,
    Cost,
    GetServiceRequest,
    ListLifeEventsRequest,
    ListServicesRequest,
    SearchServicesRequest,
    ServiceFilter,
)
from city.value_catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from city.value_catalog.v1.entry_pb2 import Entry, GrantState, OutcomeNow, Provenance, ServiceStatus
from stratapolis.chassis.ids import new_id
from stratapolis.cli import indicators
from stratapolis.cli.options import HERE, As, Folder, Json, Limit
from stratapolis.cli.refused import told
from stratapolis.cli.screen import Screen, as_data, clock, word
from stratapolis.cli.session import pages, session
from typer.core import TyperGroup


class FindsOtherwise(TyperGroup):
    """`city services`, `city services clean air`: what is no command of the group is looked for."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `find` before what names no command."""
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = ["find", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=FindsOtherwise, no_args_is_help=True, help="Browse or search what the city offers, and suspend, resume or retire a service.")
Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the service.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for people.")]
GROUPS, COSTS = ([word(enum, number) for number in enum.values() if number] for enum in (Stakeholder, Cost))


@app.command("find")
@told
async def find(
    words: Annotated[list[str] | None, typer.Argument(metavar="[WORDS]", help="Words to look for; without them: all services.")] = None,
    *,
    category: Annotated[str, typer.Option("--category", help="Only those of a category.")] = "",
    life_event: Annotated[str, typer.Option("--life-event", help="Only those for a life event, such as moved-here.")] = "",
    stakeholder: Annotated[str, typer.Option("--for", metavar="GROUP", help=f"Only those for a group: {', '.join(GROUPS)}.")] = "",
    creator: Annotated[str, typer.Option("--by", metavar="ID", help="Only those of a value creator.")] = "",
    cost: Annotated[str, typer.Option("--cost", help="Only those that are `free` (have a free plan) or `paid` (have none).")] = "",
    indicator: Annotated[str, typer.Option("--indicator", metavar="KEY", help="Only those that are to move an indicator, such as city/uses.")] = "",
    box: Annotated[
        tuple[float, float, float, float] | None,
        typer.Option("--box", metavar="SOUTH WEST NORTH EAST", help="Only those offered within, in degrees; those of the whole city are everywhere."),
    ] = None,
    limit: Limit = 100,
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Browse or search what the city offers; `city services WORDS` does the same. Searched, the best fit comes first; browsed, they come by title."""
    chosen = ServiceFilter(category=category, life_event=life_event, creator_id=creator)
    chosen.stakeholder, chosen.cost = _chosen(stakeholder, Stakeholder, GROUPS, "--for"), _chosen(cost, Cost, COSTS, "--cost")
    if indicator:
        chosen.indicator.CopyFrom(indicators.key_of(indicator))
    if box is not None:
        south, west, north, east = box
        chosen.box.CopyFrom(Box(southwest=Place(latitude=south, longitude=west), northeast=Place(latitude=north, longitude=east)))
    async with session(folder, as_) as client:
        stub = client.stub(CatalogServiceStub, "value_catalog")
        if words:
            query = SearchServicesRequest(query=" ".join(words), filter=chosen)
            found = [each.entry for each in await pages(stub.SearchServices, query, "found", limit + 1)]
        else:
            found = await pages(stub.ListServices, ListServicesRequest(filter=chosen), "entries", limit + 1)
    found, has_more = found[:limit], len(found) > limit
    screen = Screen(as_json)
    screen.data({"services": [as_data(each) for each in found], "more": has_more})
    rows = [(e.service_id, e.title, e.category, e.provenance.creator_name, price(e.price), outcome(e), word(ServiceStatus, e.status)) for e in found]
    screen.table(("ID", "SERVICE", "CATEGORY", "BY", "PRICE", "OUTCOME", "STATUS"), rows, empty="no service fits")
    if has_more:
        screen.line(f"these are the first {limit}; there are more: --limit {10 * limit}, or look for less")


@app.command("life-events")
@told
async def life_events(limit: Limit = 100, as_: As = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """List the life events that services are for."""
    async with session(folder, as_) as client:
        stub = client.stub(CatalogServiceStub, "value_catalog")
        found = await pages(stub.ListLifeEvents, ListLifeEventsRequest(), "life_events", limit)
    screen = Screen(as_json)
    screen.data({"lifeEvents": [as_data(each) for each in found]})
    screen.table(("LIFE EVENT", "SERVICES"), [(each.name, str(each.services)) for each in found], empty="no service names a life event")


@app.command("suspend")
@told
async def suspend(service_id: Id, reason: Reason, as_: As = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """Stop a live service for a while: hidden, its uses refused, what is held for it stays held."""
    async with session(folder, as_) as client:
        stub = client.stub(LifecycleServiceStub, "governance")
        done = await stub.SuspendService(SuspendServiceRequest(request_id=new_id(), service_id=service_id, reason=reason))
    _stands(Screen(as_json), done.service)


@app.command("resume")
@told
async def resume(service_id: Id, as_: As = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """Let a suspended service serve again."""
    async with session(folder, as_) as client:
        done = await client.stub(LifecycleServiceStub, "governance").ResumeService(ResumeServiceRequest(request_id=new_id(), service_id=service_id))
    _stands(Screen(as_json), done.service)


@app.command("retire")
@told
async def retire(service_id: Id, reason: Reason, as_: As = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """Take a live service away for good: every layer lets go of it, an open upgrade is withdrawn."""
    async with session(folder, as_) as client:
        stub = client.stub(LifecycleServiceStub, "governance")
        begun = (await stub.RetireService(RetireServiceRequest(request_id=new_id(), service_id=service_id, reason=reason))).journey
    screen = Screen(as_json)
    screen.data(as_data(begun))
    screen.line(f"version {begun.version} of {begun.name} retires; follow it: city journey {begun.journey_id} --watch")


@app.command("state")
@told
async def state(service_id: Id, as_: As = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """Show where a service of one's own stands: live, suspended, retiring or retired, and in which version."""
    async with session(folder, as_) as client:
        found = await client.stub(LifecycleServiceStub, "governance").GetServiceState(GetServiceStateRequest(service_id=service_id))
    _stands(Screen(as_json), found.service)


def _chosen(said: str, enum: Any, choices: list[str], option: str) -> Any:
    """The number of a word; 0 where none is said. Raises BadParameter for another word."""
    if said and said not in choices:
        raise typer.BadParameter(f"{said!r} is none of {', '.join(choices)}", param_hint=option)
    return next((number for number in enum.values() if number and word(enum, number) == said), 0)


def _stands(screen: Screen, service: Service) -> None:
    screen.data(as_data(service))
    version = f", version {service.live_version} of {service.last_version}" if service.live_version else ""
    by = "by the city" if service.suspension.by_city else "by its value creator"
    why = f" {by} since {clock(service.suspension.suspend_time)}: {service.suspension.reason}" if service.HasField("suspension") else ""
    screen.line(f"{service.name} is {word(ServiceState, service.state)}{version}{why}")


@told
async def service(service_id: Id, as_: As = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """Show one service: outcomes and their live values, price, data used and why, where it came from."""
    async with session(folder, as_) as client:
        entry = (await client.stub(CatalogServiceStub, "value_catalog").GetService(GetServiceRequest(service_id=service_id))).entry
    screen = Screen(as_json)
    screen.data(as_data(entry))
    screen.line(entry.title, style="bold")
    screen.line(entry.description)
    screen.facts(
        {
            "status": f"{word(ServiceStatus, entry.status)} {entry.status_message}".strip(),
            "for": ", ".join(word(Stakeholder, each) for each in entry.stakeholders),
            "price": price(entry.price),
            "shares": ", ".join(f"{share.party} {share.basis_points / 100:g} %" for share in entry.shares),
            "endpoint": entry.endpoint,
            "rating": f"{entry.rating.average:.1f} of 5 ({entry.rating.count})" if entry.rating.count else "",
            "answers": f"within {entry.answer_within_hours} h" if entry.answer_within_hours else "",
            "life events": ", ".join(entry.life_events),
            "by": f"{entry.provenance.creator_name}, version {entry.version}, since {clock(entry.provenance.published_time)}",
            **_way(entry.provenance),
        }
    )
    screen.table(
        ("OUTCOME", "INDICATOR", "NOW", "PERIOD", "OF", "TARGET", "SIDE"),
        [
            (
                o.name,
                indicators.named(o.indicator),
                o.reading,
                o.measured.period,
                o.measured.scope.partition(":")[0],
                target(o),
                word(Side, o.side) if o.side else "",
            )
            for o in entry.outcomes
        ],
    )
    if entry.data:
        screen.table(("DATA", "PURPOSE", "GRANT"), [(d.product, d.purpose, word(GrantState, d.state)) for d in entry.data])


def price(price: Price) -> str:
    """All plans in a line."""
    return "; ".join(_plan(plan, price.currency) for plan in price.plans)


def _plan(plan: Plan, currency: str) -> str:
    if plan.model == Model.MODEL_FREE:
        return "free"
    if plan.model == Model.MODEL_SUBSCRIPTION:
        return f"{currency} {plan.fee} a month"
    dearest = plan.tiers[0].unit_price if plan.tiers else "?"
    return f"{currency} {dearest} a use" + (", less for many" if len(plan.tiers) > 1 else "")


def _way(provenance: Provenance) -> dict[str, str]:
    """How it came into the catalogue, and the idea it comes from, if any."""
    origin = provenance.origin
    idea = f"the idea {origin.idea_title!r} ({origin.idea_id}); its pilot {origin.pilot_id}: {origin.evidence}" if origin.idea_id else ""
    return {"journey": provenance.journey_id, "comes from": idea}


def outcome(entry: Entry) -> str:
    """The first outcome, its live value and the side of its target."""
    first = entry.outcomes[0]
    return f"{first.name}: {first.reading}" + (f", {word(Side, first.side)}" if first.side else "")


def target(outcome: OutcomeNow) -> str:
    """The target that counts: the service's own, else the city's."""
    return outcome.target or (f"{outcome.measured.city_target} (the city's)" if outcome.measured.city_target else "")
