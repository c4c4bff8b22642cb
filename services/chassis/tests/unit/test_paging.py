"""A page token leads on in its own list and nowhere else."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from city.journey.v1.holds_service_pb2 import ListHoldsRequest
from city.journey.v1.journey_pb2 import Hold
from city.operations.v1.operations_service_pb2 import ListDeadLettersRequest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st
from stratapolis.chassis.errors import InvalidField
from stratapolis.chassis.paging import LARGEST_INT, ROOM, Page, Value

text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
times = st.datetimes(timezones=st.just(UTC)).filter(lambda at: 1 < at.year < 9999)
values = st.one_of(text, st.integers(-LARGEST_INT, LARGEST_INT), st.floats(allow_nan=False, allow_infinity=False), times)


def a_token(request: Message, *after: Value) -> str:
    """The token behind a row with these sort values."""
    page = Page.of(request, *(type(value) for value in after))
    _, token = Page(1, None, page._asked, page._kinds).fit([after, after], lambda _: Hold(), lambda row: row)
    return token


@given(st.lists(values, min_size=1, max_size=4))
def test_sort_values_survive_the_token(after: list[Value]) -> None:
    token = a_token(ListHoldsRequest(journey_id="j"), *after)
    then = Page.of(ListHoldsRequest(journey_id="j", page_size=7, page_token=token), *(type(value) for value in after))
    assert then.after == tuple(after)
    assert [type(v) for v in then.after] == [type(v) for v in after]


@pytest.mark.parametrize(("asked", "given"), [(0, 100), (1, 1), (500, 500), (501, 500)])
def test_the_size_is_bounded(asked: int, given: int) -> None:
    page = Page.of(ListHoldsRequest(page_size=asked), str)
    assert page.size == given
    assert page.after is None


def test_a_negative_size_is_refused() -> None:
    with pytest.raises(InvalidField, match="page_size"):
        Page.of(ListHoldsRequest(page_size=-1), str)


def test_a_token_of_another_filter_is_refused() -> None:
    token = a_token(ListHoldsRequest(journey_id="one"), "x")
    with pytest.raises(InvalidField, match="page_token"):
        Page.of(ListHoldsRequest(journey_id="two", page_token=token), str)


def test_a_token_of_another_list_is_refused() -> None:
    token = a_token(ListHoldsRequest(), 1)
    with pytest.raises(InvalidField, match="page_token"):
        Page.of(ListDeadLettersRequest(page_token=token), int)


@pytest.mark.parametrize("kinds", [(str,), (int, int), (datetime,), (float,)])
def test_a_token_with_other_kinds_of_values_is_refused(kinds: tuple[type, ...]) -> None:
    token = a_token(ListHoldsRequest(), 1)
    with pytest.raises(InvalidField, match="page_token"):
        Page.of(ListHoldsRequest(page_token=token), *kinds)


def test_a_list_that_would_not_take_its_own_token_back_is_a_fault() -> None:
    page = Page.of(ListHoldsRequest(page_size=1), datetime)
    with pytest.raises(TypeError, match="kinds"):
        page.fit([1, 2], lambda _: Hold(), lambda row: (row,))


@given(st.text(min_size=1, max_size=60))
def test_garbage_is_refused(token: str) -> None:
    with pytest.raises(InvalidField, match="page_token"):
        Page.of(ListHoldsRequest(page_token=token), str)


BODIES = [
    b"", b"[", b"{}", b"[true]", b"[null]", b"[[1]]", b'[{"t":"x"}]', b'[{"t":"2026-01-01T00:00:00"}]', b'[{"q":1}]', b'["\\u0000"]', b"[9223372036854775808]",
    b"[1e400]", b'[{"t":"0001-01-01T00:00:00+23:00"}]', b'[{"t":"9999-12-31T23:59:59.999999+00:00"}]', b'[{"t":7}]',
]  # fmt: skip


@pytest.mark.parametrize("kind", [str, int, float, datetime])
@pytest.mark.parametrize("body", BODIES)
def test_a_forged_body_is_refused(body: bytes, kind: type) -> None:
    digest = base64.urlsafe_b64decode(a_token(ListHoldsRequest(), "xx") + "==")[:8]
    forged = base64.urlsafe_b64encode(digest + body).decode()
    with pytest.raises(InvalidField, match="page_token"):
        Page.of(ListHoldsRequest(page_token=forged), kind)


@pytest.mark.parametrize(
    ("lengths", "size", "fits"),
    [([], 5, 0), ([1] * 5, 5, 5), ([1] * 6, 5, 5), ([ROOM + 1, 1], 5, 1), ([1, ROOM + 1, 1], 5, 1), ([ROOM // 2, ROOM // 3, ROOM // 2], 5, 2)],
)
def test_a_page_ends_where_an_answer_is_full_and_has_one_row_always(lengths: list[int], size: int, fits: int) -> None:
    rows = list(enumerate(lengths))
    shown, token = Page.of(ListHoldsRequest(page_size=size), int).fit(rows, lambda row: Hold(owner="x" * row[1]), lambda row: (row[0],))
    assert [len(hold.owner) for hold in shown] == lengths[:fits]
    then = Page.of(ListHoldsRequest(page_size=size, page_token=token), int)
    assert then.after == ((fits - 1,) if len(lengths) > fits else None)
