"""A page token leads on in its own list and nowhere else."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from city.journey.v1.holds_service_pb2 import ListHoldsRequest
from city.operations.v1.operations_service_pb2 import ListDeadLettersRequest
from hypothesis import given
from hypothesis import strategies as st
from stratapolis.chassis.errors import InvalidField
from stratapolis.chassis.paging import Page

values = st.one_of(
    st.text(max_size=40), st.integers(-(2**63) + 1, 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False), st.datetimes(timezones=st.just(UTC))
)


@given(st.lists(values, max_size=4))
def test_sort_values_survive_the_token(after: list[str | int | float | datetime]) -> None:
    first = Page.of(ListHoldsRequest(journey_id="j"))
    then = Page.of(ListHoldsRequest(journey_id="j", page_size=7, page_token=first.token(*after)))
    assert then.after == tuple(after)
    assert [type(v) for v in then.after] == [type(v) for v in after]


@pytest.mark.parametrize(("asked", "given"), [(0, 100), (1, 1), (500, 500), (501, 500)])
def test_the_size_is_bounded(asked: int, given: int) -> None:
    page = Page.of(ListHoldsRequest(page_size=asked))
    assert page.size == given
    assert page.after is None


def test_a_negative_size_is_refused() -> None:
    with pytest.raises(InvalidField, match="page_size"):
        Page.of(ListHoldsRequest(page_size=-1))


def test_a_token_of_another_filter_is_refused() -> None:
    token = Page.of(ListHoldsRequest(journey_id="one")).token("x")
    with pytest.raises(InvalidField, match="page_token"):
        Page.of(ListHoldsRequest(journey_id="two", page_token=token))


def test_a_token_of_another_list_is_refused() -> None:
    token = Page.of(ListHoldsRequest()).token(1)
    with pytest.raises(InvalidField, match="page_token"):
        Page.of(ListDeadLettersRequest(page_token=token))


@pytest.mark.parametrize("kinds", [(str,), (int, int), (datetime,), ()])
def test_a_token_with_other_kinds_of_values_is_refused(kinds: tuple[type, ...]) -> None:
    token = Page.of(ListHoldsRequest()).token(1)
    if kinds == ():
        assert Page.of(ListHoldsRequest(page_token=token)).after == (1,)
        return
    with pytest.raises(InvalidField, match="page_token"):
        Page.of(ListHoldsRequest(page_token=token), *kinds)


@given(st.text(min_size=1, max_size=60))
def test_garbage_is_refused(token: str) -> None:
    with pytest.raises(InvalidField, match="page_token"):
        Page.of(ListHoldsRequest(page_token=token))


@pytest.mark.parametrize("body", [b"", b"[", b"{}", b"[true]", b"[null]", b"[[1]]", b'[{"t":"x"}]', b'[{"t":"2026-01-01T00:00:00"}]', b'[{"q":1}]'])
def test_a_forged_body_is_refused(body: bytes) -> None:
    honest = Page.of(ListHoldsRequest()).token()
    digest = base64.urlsafe_b64decode(honest + "=" * (-len(honest) % 4))[:8]
    forged = base64.urlsafe_b64encode(digest + body).decode()
    with pytest.raises(InvalidField, match="page_token"):
        Page.of(ListHoldsRequest(page_token=forged))
