"""When a topic is paused: a row of dead letters, or more of them than not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stratapolis.chassis.pausing import STREAK, WINDOW, Fuse


def blows(outcomes: list[bool]) -> list[bool]:
    """What the fuse says to each dead letter of these outcomes; true is an event that was applied."""
    fuse, said = Fuse(), list[bool]()
    for applied in outcomes:
        if applied:
            fuse.applied()
        else:
            said.append(fuse.died())
    return said


def test_a_row_of_dead_letters_blows_the_fuse_with_the_last_of_it() -> None:
    assert blows([False] * STREAK) == [*[False] * (STREAK - 1), True]


def test_one_that_is_applied_breaks_the_row() -> None:
    assert not any(blows([*[False] * (STREAK - 1), True, *[False] * (STREAK - 1)]))


@pytest.mark.parametrize(("applied", "dead", "blown"), [(1, 1, False), (2, 3, True), (5, 1, False)])
def test_more_dead_letters_than_not_blow_the_fuse_though_they_never_come_in_a_row(applied: int, dead: int, blown: bool) -> None:
    assert any(blows([*[True] * applied, *[False] * dead] * WINDOW)) is blown


@given(st.lists(st.booleans(), max_size=3 * WINDOW))
def test_it_blows_as_its_rules_say(outcomes: list[bool]) -> None:
    wanted = []
    for end in (n for n, applied in enumerate(outcomes, 1) if not applied):
        row, window = outcomes[max(0, end - STREAK) : end], outcomes[max(0, end - WINDOW) : end]
        wanted.append((len(row) == STREAK and not any(row)) or (len(window) == WINDOW and window.count(False) > WINDOW / 2))
    assert blows(outcomes) == wanted
