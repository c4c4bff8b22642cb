"""Requests: the due time, the way through their states, who may move them on."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stratapolis.value_catalog.domain.case import ENDED, Case, CaseState, due, lapse, move_on
from stratapolis.value_catalog.domain.errors import AnswerMissing, CaseNotInState, NotTheProvider

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def a_case(state: CaseState = CaseState.OPEN) -> Case:
    return Case(
        case_id="case", service_id="lamps", creator_id="streets", opener="ada", description="dark", opened_at=NOW, updated_at=NOW, due_at=due(NOW, 24),
        state=state, answer="done" if state in ENDED else "",
    )  # fmt: skip


def test_hours_are_counted_day_and_night() -> None:
    assert due(datetime(2026, 2, 27, 20, tzinfo=UTC), 30) == datetime(2026, 3, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize("owners", [("ada",), (), ("system:other",), ("lamps",)])
def test_who_does_not_offer_the_service_does_not_move_it_on(owners: tuple[str, ...]) -> None:
    with pytest.raises(NotTheProvider):
        move_on(a_case(), CaseState.CLOSED, answer="done", owners=owners, at=NOW)


@pytest.mark.parametrize("owners", [("streets", "mia"), ("system:lamps",)])
def test_the_service_and_its_value_creator_move_it_on(owners: tuple[str, ...]) -> None:
    assert move_on(a_case(), CaseState.ACKNOWLEDGED, answer="", owners=owners, at=NOW).state is CaseState.ACKNOWLEDGED


@pytest.mark.parametrize(("answered_after", "late"), [(timedelta(hours=24), False), (timedelta(hours=24) + SECOND, True)])
def test_an_answer_at_the_due_time_is_in_time(answered_after: timedelta, late: bool) -> None:
    closed = move_on(a_case(), CaseState.CLOSED, answer="done", owners=("streets",), at=NOW + answered_after)
    assert closed.is_overdue(NOW + timedelta(days=99)) is late


def test_an_open_request_is_overdue_once_its_time_has_passed() -> None:
    assert not a_case().is_overdue(NOW + timedelta(hours=24))
    assert a_case().is_overdue(NOW + timedelta(hours=24) + SECOND)


@given(st.lists(st.tuples(st.sampled_from(CaseState), st.sampled_from(["", " ", "words"]), st.integers(0, 40)), max_size=10))
def test_whatever_is_tried_an_end_is_final_and_has_an_answer_and_a_lapse_is_noted_once(tries: list[tuple[CaseState, str, int]]) -> None:
    case, at = a_case(), NOW
    for state, answer, hours in tries:
        at += timedelta(hours=hours)
        lapsed = lapse(case, at=at)
        assert (lapsed.overdue_at is not None) == (case.overdue_at is not None or (case.state not in ENDED and at > case.due_at))
        assert lapse(lapsed, at=at + SECOND) == lapsed or (case.overdue_at is None and lapsed.overdue_at is None)
        before = lapsed
        try:
            case = move_on(before, state, answer=answer, owners=("streets",), at=at)
        except CaseNotInState:
            case = before
            assert before.state in ENDED or state in {CaseState.OPEN, before.state}
        except AnswerMissing:
            case = before
            assert state in ENDED and not answer.strip()
        else:
            assert before.state not in ENDED and case.state is state and case.updated_at == at
        assert case.state not in ENDED or case.answer.strip()
