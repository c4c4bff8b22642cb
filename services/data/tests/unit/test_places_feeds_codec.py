"""Areas, indicator values and the codec: laws that hold for all of them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import asin, atan2, cos, degrees, radians, sin

import pytest
from city.data.v1 import observations_service_pb2 as pb
from hypothesis import given
from hypothesis import strategies as st
from stratapolis.chassis.errors import InvalidField
from stratapolis.data.codec.observations import area_of, cursor_of, cursor_text, number_shown, own_reading, raw_reading
from stratapolis.data.codec.products import drafted, product_shown
from stratapolis.data.domain.feed import Computed, Value, across, mean, revise, rounded
from stratapolis.data.domain.place import EARTH_METERS, Box, Circle, Place, distance_meters
from stratapolis.data.domain.product import Classification, ProductState
from stratapolis.data.domain.reading import Reading
from stratapolis.data.store.reads import Cursor

from services.data.tests.builders import NOW, a_place, a_product, observed, reading

PLACES = st.builds(Place, latitude=st.floats(-90, 90), longitude=st.floats(-180, 180))
VALUES = st.decimals(-(10**9), 10**9, places=9)
DAY = date(2026, 3, 1)
MOMENTS = st.integers(0, 253_000_000_000_000).map(lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms))


def away(center: Place, bearing: float, meters: float) -> Place:
    """The place a way from another one, by spherical trigonometry: what `distance_meters` must undo."""
    angle, south, west = meters / EARTH_METERS, radians(center.latitude), radians(center.longitude)
    latitude = asin(max(-1.0, min(1.0, sin(south) * cos(angle) + cos(south) * sin(angle) * cos(bearing))))
    longitude = west + atan2(sin(bearing) * sin(angle) * cos(south), cos(angle) - sin(south) * sin(latitude))
    return Place(latitude=degrees(latitude), longitude=(degrees(longitude) + 180) % 360 - 180)


@given(PLACES, st.floats(0, 6.28), st.floats(1, 1_000_000), st.floats(0, 0.999))
def test_what_is_within_the_radius_is_in_the_circle_and_in_its_box(center: Place, bearing: float, radius: float, part: float) -> None:
    circle, place = Circle(center=center, radius_meters=radius), away(center, bearing, radius * part)
    assert circle.holds(place) and circle.box.holds(place)


@given(PLACES, st.floats(0, 6.28), st.floats(1, 1_000_000))
def test_what_is_beyond_the_radius_is_not_in_the_circle(center: Place, bearing: float, radius: float) -> None:
    assert not Circle(center=center, radius_meters=radius).holds(away(center, bearing, radius * 1.001))


def test_berlin_and_potsdam_lie_27_kilometres_apart() -> None:
    """Great circle between the two city centres as maps give it: 26 to 27 km."""
    assert distance_meters(Place(latitude=52.5200, longitude=13.4050), Place(latitude=52.3906, longitude=13.0645)) == pytest.approx(27_100, rel=0.02)


@given(st.lists(VALUES, min_size=1, max_size=30), st.randoms())
def test_a_mean_does_not_know_the_order(values: list[Decimal], random: object) -> None:
    things = [Value(value=value, observations=1) for value in values]
    shuffled = list(things)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    found = across(things)
    assert found == across(shuffled) and found is not None
    assert abs(Fraction(found.value) - Fraction(sum(map(Fraction, values))) / len(values)) <= Fraction(1, 2 * 10**9)


def test_halves_are_rounded_to_the_even_neighbour() -> None:
    assert rounded(Fraction(5, 10**10)) == 0 and rounded(Fraction(15, 10**10)) == Decimal("2e-9")
    assert mean(Decimal(10), 3) == Decimal("3.333333333")


def test_nothing_observed_is_no_value() -> None:
    assert across([]) is None


@given(st.lists(VALUES, min_size=1, max_size=10))
def test_revisions_count_the_changes_of_the_value(values: list[Decimal]) -> None:
    standing: Computed | None = None
    said = 0
    for value in values:
        standing, changed = revise(standing, Value(value=value, observations=1), scope="city", day=DAY)
        said += changed
        assert standing.revision == said and standing.value == value
    assert said == 1 + sum(one != other for one, other in pairwise(values))


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1), MOMENTS)
def test_a_cursor_comes_back_as_it_went(txid: int, series_id: int, at: datetime) -> None:
    cursor = Cursor(txid, series_id, at)
    assert cursor_of(cursor_text(cursor)) == cursor


@given(st.text(alphabet=st.characters(exclude_categories=["Nd"]), max_size=40))
def test_what_has_no_number_is_no_cursor(text: str) -> None:
    with pytest.raises(InvalidField):
        cursor_of(text)


@given(VALUES)
def test_numbers_are_shown_in_plain_digits_and_lose_nothing(value: Decimal) -> None:
    shown = number_shown(value)
    assert Decimal(shown) == value and "E" not in shown.upper()


def test_every_field_of_a_reading_arrives() -> None:
    at = datetime(2026, 3, 1, 12, 0, 0, 123_999, tzinfo=UTC)
    expected = Reading("meteo", "air.1", "no2", "7.5", "mg/m3", at.replace(microsecond=123_000), Place(latitude=52.5, longitude=13.4), ("ambiguous_time",))
    given_ = {"property": "no2", "unit": "mg/m3", "place": a_place(52.5, 13.4), "flags": ["ambiguous_time", ",\0"]}
    assert raw_reading(observed("air.1", at, "7.5", **given_)) == expected
    assert own_reading(reading("air.1", at, "7.5", **given_), "meteo") == expected


def test_the_area_asked_for_is_the_area_read() -> None:
    box = pb.LatestObservationsRequest(box=pb.Box(south_west=a_place(1, 2), north_east=a_place(3, 4)))
    circle = pb.LatestObservationsRequest(circle=pb.Circle(center=a_place(1, 2), radius_meters=5))
    assert area_of(box) == Box(south=1, west=2, north=3, east=4)
    assert area_of(circle) == Circle(center=Place(latitude=1, longitude=2), radius_meters=5)
    assert area_of(pb.LatestObservationsRequest()) is None


def test_every_field_of_a_product_round_trips() -> None:
    product = a_product(
        description="hourly", things=("air.1", "air.2"), thing_prefix="", earliest=NOW, retention_days=7, consumers=("acme",), state=ProductState.DRAFT,
        classification=Classification.OPEN,
    )  # fmt: skip
    assert drafted(product_shown(product), owner="meteo", at=NOW) == product
