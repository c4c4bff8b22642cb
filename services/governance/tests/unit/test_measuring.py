"""Periods, revisions, sides and trends: what holds whatever comes, in whatever order."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stratapolis.governance.domain.indicator import Definition, Direction, Figure, IndicatorKey, Measurement, Series, Side, Trend, Turn, measure, trend_of
from stratapolis.governance.domain.period import Length, before, begins, named
from stratapolis.governance.domain.platform import PROPOSALS_LIVE_SHARE, TIME_TO_ONBOARD, Counted, value_of

from services.governance.tests.unit.builders import NOW

DAYS = tuple(f"2026-01-{day:02}" for day in range(1, 6))
LOWER = Direction.LOWER_IS_BETTER
VALUES = st.decimals(min_value=-100, max_value=100, places=3)
figures = st.lists(st.tuples(st.sampled_from(DAYS[:3]), st.integers(0, 2)), max_size=30)


def a_figure(period: str = DAYS[0], value: int | str = 10, *, source_revision: int = 0, direction: Direction = LOWER) -> Figure:
    definition = Definition(key=IndicatorKey("city", "dust"), unit="ug/m3", direction=direction, length=Length.DAY, computed_as="by hand", source="a test")
    return Figure(definition=definition, scope="city", period=period, value=Decimal(value), source_revision=source_revision)


def taken(*given_figures: Figure, target: int | None = 15, series: Series | None = None) -> tuple[Series, list[Measurement], list[Turn]]:
    """A series that takes figures one after the other, what was kept and what was said."""
    series, kept, said = series or Series(), [], []
    for one in given_figures:
        series, measurement, turn = measure(series, one, None if target is None else Decimal(target), at=NOW)
        kept += [measurement] if measurement else []
        said += [turn] if turn else []
    return series, kept, said


def words(said: Sequence[Turn]) -> list[tuple[str, str]]:
    return [(turn.side.value, turn.measurement.period) for turn in said]


def test_meeting_the_target_exactly_is_meeting_it() -> None:
    assert [one.side for one in taken(a_figure(DAYS[0], 15), a_figure(DAYS[1], "15.001"))[1]] == [Side.ON, Side.OFF]
    higher = [a_figure(DAYS[0], 15, direction=Direction.HIGHER_IS_BETTER), a_figure(DAYS[1], 14, direction=Direction.HIGHER_IS_BETTER)]
    assert [one.side for one in taken(*higher)[1]] == [Side.ON, Side.OFF]


def test_without_a_target_nothing_is_on_or_off_it() -> None:
    _, kept, said = taken(a_figure(value=99), target=None)
    assert (kept[0].target, kept[0].side, said) == (None, None, [])


def test_a_side_is_said_when_it_changes() -> None:
    series, _, said = taken(a_figure(DAYS[0], 10), a_figure(DAYS[1], 20), a_figure(DAYS[2], 30), a_figure(DAYS[3], 5), a_figure(DAYS[4], 5))
    assert words(said) == [("off", DAYS[1]), ("on", DAYS[3])]
    assert not series.is_off


def test_a_correction_of_the_newest_period_turns_it() -> None:
    assert words(taken(a_figure(DAYS[0], 20), a_figure(DAYS[0], 10))[2]) == [("off", DAYS[0]), ("on", DAYS[0])]


def test_a_period_that_goes_to_and_fro_says_each_side_once() -> None:
    series, kept, said = taken(*[a_figure(DAYS[0], value) for value in (20, 10, 20, 10, 20)])
    assert words(said) == [("off", DAYS[0]), ("on", DAYS[0])]
    assert [one.revision for one in kept] == [1, 2, 3, 4, 5]
    assert words(taken(a_figure(DAYS[1], 20), series=series)[2]) == [("off", DAYS[1])]


def test_a_recovery_too_is_said_once_of_a_period() -> None:
    series, _, said = taken(*[a_figure(period, value) for period, value in ((DAYS[0], 20), (DAYS[1], 10), (DAYS[1], 20), (DAYS[1], 10))])
    assert words(said) == [("off", DAYS[0]), ("on", DAYS[1]), ("off", DAYS[1])]
    assert words(taken(a_figure(DAYS[2], 10), series=series)[2]) == [("on", DAYS[2])]


def test_an_older_period_is_kept_and_says_nothing_of_today() -> None:
    series, kept, said = taken(a_figure(DAYS[3], 10), a_figure(DAYS[0], 99), a_figure(DAYS[0], 98))
    assert [(one.period, one.revision, one.side) for one in kept[1:]] == [(DAYS[0], 1, Side.OFF), (DAYS[0], 2, Side.OFF)]
    assert said == [] and series.newest == DAYS[3]


def test_a_period_is_judged_by_the_target_that_held_when_its_first_value_came() -> None:
    series, _, _ = taken(a_figure(DAYS[0], 20), target=None)
    series, kept, said = taken(a_figure(DAYS[0], 30), a_figure(DAYS[1], 30), series=series, target=25)
    assert [(one.period, one.target, one.side) for one in kept] == [(DAYS[0], None, None), (DAYS[1], Decimal(25), Side.OFF)]
    assert words(said) == [("off", DAYS[1])]


def test_the_same_value_again_is_no_revision_and_neither_is_an_older_or_doubled_one() -> None:
    assert len(taken(a_figure(value=3), a_figure(value="3.000"))[1]) == 1
    revisions = [a_figure(value=value, source_revision=revision) for value, revision in ((3, 1), (4, 3), (4, 3), (3, 2), (4, 4))]
    assert [(one.revision, one.source_revision) for one in taken(*revisions)[1]] == [(1, 1), (2, 3), (3, 4)]


def test_a_figure_by_hand_stands_until_its_finder_has_a_newer_one() -> None:
    computed, by_hand = a_figure(value=3, source_revision=2), a_figure(value=9)
    series, _, _ = taken(computed, by_hand, computed, a_figure(value=4, source_revision=1))
    assert (series.periods[DAYS[0]].value, series.periods[DAYS[0]].revision) == (Decimal(9), 2)
    assert [one.value for one in taken(a_figure(value=5, source_revision=3), series=series)[1]] == [Decimal(5)]


@given(figures, st.integers(0, 1))
def test_sides_alternate_and_each_is_said_once_of_a_period(given_figures: list[tuple[str, int]], target: int) -> None:
    series, kept, said = taken(*[a_figure(period, value) for period, value in given_figures], target=target)
    sides = [turn.side for turn in said]
    assert sides == [Side.OFF, Side.ON] * (len(said) // 2) + [Side.OFF] * (len(said) % 2)
    assert len(set(words(said))) == len(said)
    assert [turn.measurement.period for turn in said] == sorted(turn.measurement.period for turn in said)
    assert all(turn.measurement.side is turn.side for turn in said)
    assert series.is_off == (len(said) % 2 == 1)
    assert series.newest == max((one.period for one in kept), default="")


@given(figures)
def test_revisions_of_a_period_are_gap_free_and_the_last_value_stands(given_figures: list[tuple[str, int]]) -> None:
    series, kept, _ = taken(*[a_figure(period, value) for period, value in given_figures])
    for period in {period for period, _ in given_figures}:
        assert [one.revision for one in kept if one.period == period] == list(range(1, series.periods[period].revision + 1))
        assert series.periods[period].value == [value for other, value in given_figures if other == period][-1]


@given(st.permutations(range(1, 7)), st.data())
def test_whatever_order_a_finders_revisions_come_in_its_newest_stands(order: list[int], data: st.DataObject) -> None:
    doubled = [revision for revision in order for _ in range(data.draw(st.integers(1, 2)))]
    series, _, _ = taken(*[a_figure(value=revision * 7 % 5, source_revision=revision) for revision in doubled])
    assert (series.periods[DAYS[0]].value, series.periods[DAYS[0]].source_revision) == (Decimal(6 * 7 % 5), 6)


@given(VALUES, VALUES)
def test_a_trend_turns_round_with_the_values_and_with_the_direction(now: Decimal, then: Decimal) -> None:
    opposite = {Trend.BETTER: Trend.WORSE, Trend.WORSE: Trend.BETTER, Trend.SAME: Trend.SAME}
    trend = trend_of(now, then, LOWER)
    assert trend is not None
    assert trend_of(then, now, LOWER) is opposite[trend] is trend_of(now, then, Direction.HIGHER_IS_BETTER)
    assert (trend is Trend.BETTER) == (now < then)
    assert trend_of(now, None, LOWER) is None


@given(st.dates(min_value=date(1901, 1, 1), max_value=date(9000, 12, 31)), st.sampled_from(Length))
def test_a_period_begins_on_its_first_day_right_after_the_one_before(day: date, length: Length) -> None:
    period = named(day, length)
    first = begins(period, length)
    assert first is not None and first <= day and named(first, length) == period
    assert before(period) == named(first - timedelta(days=1), length) < period


@pytest.mark.parametrize(
    ("period", "one_before"),
    [
        ("2028-03-01", "2028-02-29"),
        ("2026-03-01", "2026-02-28"),
        ("2100-03-01", "2100-02-28"),
        ("2027-01-01", "2026-12-31"),
        ("2027-01", "2026-12"),
        ("2027", "2026"),
    ],
)
def test_what_is_before_a_leap_day_or_a_new_year_is_known_to_the_calendar(period: str, one_before: str) -> None:
    assert before(period) == one_before


@pytest.mark.parametrize("text", ["2026-02-30", "2026-13", "0000", "9999", "2026-1", "2026-01-1", "", "2026-W01-1", "20260131", "２０２６"])
def test_what_is_no_period_is_none(text: str) -> None:
    assert all(begins(text, length) is None for length in Length)
    with pytest.raises(ValueError, match="no period"):
        before(text)


def test_a_period_of_another_length_is_none() -> None:
    assert begins("2026-01", Length.DAY) is None and begins("2026-01-31", Length.MONTH) is None and begins("2026", Length.YEAR) == date(2026, 1, 1)


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_a_share_is_between_nothing_and_all(part: int, count: int) -> None:
    share = value_of(PROPOSALS_LIVE_SHARE, Counted(service_id="", part=Decimal(min(part, count)), count=count))
    assert 0 <= share <= 100 and share.as_tuple().exponent == -9
    assert abs(share * count - 100 * min(part, count)) <= Decimal("1e-9") * count


def test_what_is_no_share_is_itself_and_scopes_name_the_service() -> None:
    assert value_of(TIME_TO_ONBOARD, Counted(service_id="s-1", part=Decimal("0.25"), count=3)) == Decimal("0.25")
    assert Counted(service_id="s-1", part=Decimal(1), count=1).scope == "service:s-1"
    assert Counted(service_id="", part=Decimal(1), count=1).scope == "city"
