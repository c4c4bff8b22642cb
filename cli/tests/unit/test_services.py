"""How an outcome is told: its live value, the target that counts, the side."""

import pytest
from city.types.v1.types_pb2 import SIDE_OFF_TARGET
from city.value_catalog.v1.entry_pb2 import Entry, Measured, OutcomeNow
from stratapolis.cli.services import outcome, target


@pytest.mark.parametrize(
    ("own", "citys", "told"),
    [("10", "15", "10"), ("", "15", "15 (the city's)"), ("", "", "")],
)
def test_a_services_own_target_is_told_before_the_citys(own: str, citys: str, told: str) -> None:
    assert target(OutcomeNow(target=own, measured=Measured(city_target=citys))) == told


def test_an_outcome_is_told_with_its_live_value_and_its_side_if_it_has_one() -> None:
    bare = OutcomeNow(name="clean air", reading="not measured")
    assert outcome(Entry(outcomes=[bare])) == "clean air: not measured"
    measured = OutcomeNow(name="clean air", reading="20 ug/m3", side=SIDE_OFF_TARGET)
    assert outcome(Entry(outcomes=[measured, bare])) == "clean air: 20 ug/m3, off target"
