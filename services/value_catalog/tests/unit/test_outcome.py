"""Which target of an outcome counts, and which side of it a value is on."""

from decimal import Decimal

import pytest
from stratapolis.value_catalog.domain.outcome import Direction, Side, side

TEN = Decimal(10)


@pytest.mark.parametrize(
    ("value", "direction", "wanted"),
    [
        ("10", Direction.LOWER_IS_BETTER, Side.ON),
        ("10.001", Direction.LOWER_IS_BETTER, Side.OFF),
        ("10.0", Direction.HIGHER_IS_BETTER, Side.ON),
        ("9.999", Direction.HIGHER_IS_BETTER, Side.OFF),
        ("10", None, None),
    ],
)
def test_a_services_own_target_counts_before_the_citys(value: str, direction: Direction | None, wanted: Side | None) -> None:
    for city_side in (None, *Side):
        assert side(Decimal(value), direction, own_target=TEN, city_side=city_side) is wanted


@pytest.mark.parametrize("city_side", [None, *Side])
def test_without_one_the_citys_side_counts(city_side: Side | None) -> None:
    assert side(TEN, Direction.LOWER_IS_BETTER, own_target=None, city_side=city_side) is city_side
