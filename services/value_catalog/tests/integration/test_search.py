"""Search and browse against what a plain loop over all entries finds."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from city.manifest.v1.manifest_pb2 import MODEL_FREE, MODEL_SUBSCRIPTION, STAKEHOLDER_BUSINESS, STAKEHOLDER_RESIDENT, STAKEHOLDER_TOURIST, Manifest, Outcome
from city.types.v1.types_pb2 import IndicatorKey, Place
from city.value_catalog.v1 import catalog_service_pb2 as pb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stratapolis.chassis.errors import InvalidField
from stratapolis.value_catalog.codec import entries as codec
from stratapolis.value_catalog.store import entries

from conftest import MakeDatabase
from services.value_catalog.tests.builders import AIR, ON_TIME, Layer, a_manifest, a_request

WORDS = ["bicycle", "parking", "library", "swimming", "harbour", "traffic", "garden", "museum", "recycling", "permit"]
CATEGORIES = ["mobility", "culture", "waste", "environment"]
STAKEHOLDERS = [STAKEHOLDER_RESIDENT, STAKEHOLDER_BUSINESS, STAKEHOLDER_TOURIST]
MANY = 5_000


@dataclass(frozen=True)
class Known:
    """An entry as the test made it."""

    service_id: str
    manifest: Manifest
    creator_id: str

    @property
    def words(self) -> set[str]:
        meta, spec = self.manifest.metadata, self.manifest.spec
        text = " ".join([meta.title, meta.description, spec.category, *(one.name for one in spec.outcomes)])
        return set(text.lower().replace(".", "").split())


def made(number: int, chance: random.Random) -> Known:
    point = Place(latitude=chance.uniform(-80, 80), longitude=chance.uniform(-180, 180))
    manifest = a_manifest(
        name=f"service-{number}",
        title=" ".join([*chance.sample(WORDS, 2), str(number % 1_700)]),
        description=f"About {chance.choice(WORDS)} and more.",
        category=chance.choice(CATEGORIES),
        stakeholders=chance.sample(STAKEHOLDERS, chance.randint(1, 3)),
        outcomes=[Outcome(name=f"better {chance.choice(WORDS)}", indicator=chance.choice([AIR, ON_TIME]))],
        model=chance.choice([MODEL_FREE, MODEL_SUBSCRIPTION]),
        place=point if chance.random() < 0.7 else None,
    )
    return Known(f"service-{number:05}", manifest, f"creator-{number % 7}")


@pytest.fixture(scope="module")
def city() -> list[Known]:
    chance = random.Random(20_260_131)
    return [made(number, chance) for number in range(MANY)]


@pytest.fixture
async def crowded(make_database: MakeDatabase, city: list[Known]) -> Layer:
    layer = Layer(await make_database("value_catalog"))
    async with layer.db.transaction() as tx:
        for known in city:
            await entries.prepare(tx, codec.prepared(a_request(known.manifest, service_id=known.service_id, creator_id=known.creator_id)), tx.at)
        await tx.execute("update entry set state = 'live', published_at = now()")
        await tx.execute("analyze entry")
    return layer


async def pages(layer: Layer, request: pb.SearchServicesRequest | pb.ListServicesRequest) -> list[list[pb.Found]]:
    """All pages, as found entries; those of a list have rank 0."""
    seen = []
    while True:
        searches = isinstance(request, pb.SearchServicesRequest)
        answer = await layer.call(layer.catalog.search_services if searches else layer.catalog.list_services, request)
        seen.append(list(answer.found) if searches else [pb.Found(entry=entry) for entry in answer.entries])
        if not answer.next_page_token:
            return seen
        request.page_token = answer.next_page_token


def fits(known: Known, kept: pb.ServiceFilter) -> bool:
    spec = known.manifest.spec
    is_free = any(plan.model == MODEL_FREE for plan in spec.price.plans)
    inside = True
    if kept.HasField("box") and spec.HasField("place"):
        low, high = kept.box.southwest, kept.box.northeast
        by_longitude = (
            low.longitude <= spec.place.longitude <= high.longitude
            if low.longitude <= high.longitude
            else spec.place.longitude >= low.longitude or spec.place.longitude <= high.longitude
        )
        inside = low.latitude <= spec.place.latitude <= high.latitude and by_longitude
    return (
        kept.category in ("", spec.category)
        and (not kept.HasField("indicator") or any(one.indicator == kept.indicator for one in spec.outcomes))
        and (not kept.stakeholder or kept.stakeholder in spec.stakeholders)
        and kept.creator_id in ("", known.creator_id)
        and (kept.cost == pb.COST_UNSPECIFIED or (kept.cost == pb.COST_FREE) == is_free)
        and inside
    )


boxes = st.builds(
    lambda south, height, west, east: pb.Box(
        southwest=Place(latitude=south, longitude=west), northeast=Place(latitude=min(90.0, south + height), longitude=east)
    ),
    st.floats(-90, 90), st.floats(0, 120), st.floats(-180, 180), st.floats(-180, 180),
)  # fmt: skip
filters = st.builds(
    pb.ServiceFilter,
    category=st.sampled_from(["", *CATEGORIES, "nowhere"]),
    indicator=st.sampled_from([None, None, AIR, ON_TIME, IndicatorKey(framework="city", code="none")]),
    stakeholder=st.sampled_from([0, 0, *STAKEHOLDERS]),
    creator_id=st.sampled_from(["", "", "creator-3"]),
    cost=st.sampled_from([pb.COST_UNSPECIFIED, pb.COST_FREE, pb.COST_PAID]),
    box=st.none() | boxes,
)


def flat(found: list[list[pb.Found]]) -> Iterator[pb.Found]:
    return (one for page in found for one in page)


async def test_search_finds_what_a_plain_loop_finds_and_browsing_skips_and_repeats_nothing(crowded: Layer, city: list[Known]) -> None:
    inner_loop_examples = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    drawn: list[tuple[set[str], pb.ServiceFilter, int]] = []

    @inner_loop_examples
    @given(words=st.sets(st.sampled_from(WORDS), max_size=2), kept=filters, size=st.sampled_from([37, 100, 499, 500]))
    def draw(words: set[str], kept: pb.ServiceFilter, size: int) -> None:
        drawn.append((words, kept, size))

    draw()
    for words, kept, size in drawn:
        request = pb.SearchServicesRequest(query=" ".join(words), filter=kept, page_size=size) if words else pb.ListServicesRequest(filter=kept, page_size=size)
        found = await pages(crowded, request)
        ids = [one.entry.service_id for one in flat(found)]
        assert len(ids) == len(set(ids))
        assert set(ids) == {known.service_id for known in city if fits(known, kept) and words <= known.words}
        assert all(len(page) == size for page in found[:-1])
        ranks = [one.rank for one in flat(found)]
        assert ranks == sorted(ranks, reverse=True)
        if not words:
            by_title = [(one.entry.title, one.entry.service_id) for one in flat(found)]
            assert by_title == sorted(by_title)


async def test_a_search_among_thousands_uses_the_index(crowded: Layer) -> None:
    async with crowded.db.transaction() as tx:
        plan = await tx.fetch("explain select service_id from entry where state = 'live' and search @@ websearch_to_tsquery('english', 'library permit 1234')")
    assert any("entry_search" in row[0] for row in plan)


async def test_the_title_counts_more_than_outcomes_and_those_more_than_the_description(layer: Layer) -> None:
    by_description = a_manifest(title="One", description="All about the tramway here.")
    by_outcome = a_manifest(title="Two", outcomes=[Outcome(name="a quicker tramway", indicator=AIR)])
    by_title = a_manifest(title="Tramway", category="culture")
    await layer.publish(by_description, by_outcome, by_title)
    answer = await layer.call(layer.catalog.search_services, pb.SearchServicesRequest(query="tramways"))
    assert [one.entry.title for one in answer.found] == ["Tramway", "Two", "One"]


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("lights", {"Street lighting"}),
        ('"street lighting"', {"Street lighting"}),
        ("street -lighting", {"Street cleaning"}),
        ("lighting or cleaning", {"Street lighting", "Street cleaning"}),
        ("street-upkeep", {"Street lighting", "Street cleaning"}),
        ("the", set()),
        ("' ) & | ! <-> :* \\ \"", set()),
        ("submarine", set()),
    ],
)
async def test_words_are_read_as_in_a_web_search(layer: Layer, query: str, titles: set[str]) -> None:
    await layer.publish(
        *(a_manifest(title=title, category="street-upkeep", description="For everybody here.") for title in ("Street lighting", "Street cleaning"))
    )
    answer = await layer.call(layer.catalog.search_services, pb.SearchServicesRequest(query=query))
    assert {one.entry.title for one in answer.found} == titles


async def test_categories_are_counted(layer: Layer) -> None:
    await layer.publish(*(a_manifest(category=category) for category in ("waste", "mobility", "waste")))
    await layer.under.deliver(a_request(a_manifest(category="hidden")))
    first = await layer.call(layer.catalog.list_categories, pb.ListCategoriesRequest(page_size=1))
    rest = await layer.call(layer.catalog.list_categories, pb.ListCategoriesRequest(page_token=first.next_page_token))
    assert [(one.name, one.services) for one in (*first.categories, *rest.categories)] == [("mobility", 1), ("waste", 2)]


async def test_a_page_of_long_texts_is_cut_before_it_outgrows_an_answer(layer: Layer) -> None:
    await layer.publish(*(a_manifest(name=f"s-{number}", description="🚲" * 2_000) for number in range(150)))
    request = pb.ListServicesRequest(page_size=500)
    first = await layer.call(layer.catalog.list_services, request)
    assert first.ByteSize() < 1 << 20 and first.next_page_token
    assert len({one.entry.service_id for one in flat(await pages(layer, request))}) == 150


@pytest.mark.parametrize(
    ("west", "east", "titles"),
    [(170, -170, {"Fiji", "Samoa", "Whole city"}), (-170, 170, {"Greenwich", "Whole city"}), (-180, 180, {"Fiji", "Greenwich", "Samoa", "Whole city"})],
)
async def test_a_box_may_go_over_the_date_line(layer: Layer, west: float, east: float, titles: set[str]) -> None:
    places = {"Fiji": 178, "Samoa": -172, "Greenwich": 0}
    await layer.publish(a_manifest(title="Whole city"), *(a_manifest(title=title, place=Place(latitude=-14, longitude=at)) for title, at in places.items()))
    box = pb.Box(southwest=Place(latitude=-20, longitude=west), northeast=Place(latitude=-10, longitude=east))
    answer = await layer.call(layer.catalog.list_services, pb.ListServicesRequest(filter=pb.ServiceFilter(box=box)))
    assert {entry.title for entry in answer.entries} == titles


async def test_a_box_upside_down_and_another_lists_token_are_refused(layer: Layer) -> None:
    upside_down = pb.Box(southwest=Place(latitude=10, longitude=0), northeast=Place(latitude=5, longitude=1))
    with pytest.raises(InvalidField, match="box"):
        await layer.call(layer.catalog.list_services, pb.ListServicesRequest(filter=pb.ServiceFilter(box=upside_down)))
    await layer.publish(a_manifest(title="Aaa"), a_manifest(title="Bbb"))
    token = (await layer.call(layer.catalog.list_services, pb.ListServicesRequest(page_size=1))).next_page_token
    with pytest.raises(InvalidField, match="page_token"):
        await layer.call(layer.catalog.list_services, pb.ListServicesRequest(page_size=1, page_token=token, filter=pb.ServiceFilter(category="x")))
