"""A refusal becomes a status that always fits a client's trailers, or an HTTP answer."""

from __future__ import annotations

import asyncpg
import pytest
from city.types.v1 import errors_pb2
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st
from stratapolis.chassis import idempotency, identity, policies
from stratapolis.chassis.errors import InvalidField, Refused
from stratapolis.chassis.rpc import InvalidRequest, refusals, status
from stratapolis.chassis.validation import Broken


class ReviewAlreadyClosed(Refused):
    """A layer's own."""

    reason = "REVIEW_ALREADY_CLOSED"


@given(st.lists(st.tuples(st.text(max_size=900), st.text(max_size=900)), max_size=60))
def test_however_many_faults_the_status_fits_its_trailers(faults: list[tuple[str, str]]) -> None:
    answer = status.answer(InvalidRequest([Broken(path, text) for path, text in faults]), "governance")
    made, info, fields = Status.FromString(answer.details), ErrorInfo(), BadRequest()
    assert len(answer.details) + len(answer.message.encode()) <= 7000
    assert made.details[0].Unpack(info) and made.details[1].Unpack(fields)
    assert info.reason == "INVALID_REQUEST"
    assert len(fields.field_violations) <= len(faults)
    if sum(len(a.encode()) + len(b.encode()) for a, b in faults) < 1000 and len(faults) < 20:
        assert [(f.field, f.description) for f in fields.field_violations] == faults


def test_as_many_faults_are_named_as_fit() -> None:
    """Clients take 8 KiB of trailers by default; `details` travels beside the message."""
    faults = [Broken(f"items[{n}].name", "x" * 300) for n in range(500)]
    answer, fields = status.answer(InvalidRequest(faults), "governance"), BadRequest()
    assert Status.FromString(answer.details).details[1].Unpack(fields)
    assert len(answer.details) < 5000
    named = [f.field for f in fields.field_violations]
    assert named == [f"items[{n}].name" for n in range(len(named))]
    assert len(named) >= 5


def test_details_too_long_are_left_out_and_the_reason_stays() -> None:
    answer = status.answer(ReviewAlreadyClosed("closed", **{f"k{n}": "x" * 499 for n in range(20)}), "policy")
    info = ErrorInfo()
    assert Status.FromString(answer.details).details[0].Unpack(info)
    assert (info.reason, info.domain, dict(info.metadata)) == ("REVIEW_ALREADY_CLOSED", "city.policy", {})


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ReviewAlreadyClosed("it is closed", review="r1"), (409, {"reason": "REVIEW_ALREADY_CLOSED", "message": "it is closed", "details": {"review": "r1"}})),
        (InvalidField("name", "too long"), (400, {"reason": "INVALID_FIELD", "message": "name: too long", "details": {"field": "name"}})),
        (InvalidRequest([Broken("a.b", "no")]), (400, {"reason": "INVALID_REQUEST", "message": "a.b: no", "details": {"a.b": "no"}})),
        (RuntimeError("secret"), (500, {"reason": "INTERNAL", "message": "a fault of the app; it was logged", "details": {}})),
    ],
)
def test_an_http_route_refuses_alike(error: Exception, expected: tuple[int, dict[str, object]]) -> None:
    assert status.http(error) == expected


def test_a_wrong_argument_of_a_query_is_a_fault_of_the_app_not_of_the_database() -> None:
    wrong = type("WrongArgument", (asyncpg.InterfaceError, ValueError), {})("invalid input for query argument $1")
    assert status.refused_by(wrong) is None
    assert isinstance(status.refused_by(asyncpg.InterfaceError("connection is closed")), refusals.DatabaseAway)
    ended_meanwhile = asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress")
    assert isinstance(status.refused_by(ended_meanwhile), refusals.DatabaseAway)


def test_every_reason_of_the_chassis_is_in_its_contract() -> None:
    """What a caller can be told is public: no reason is missing from the contract, none of the contract is never given."""
    given = {
        c.reason
        for module in (identity, idempotency, policies, refusals)
        for c in vars(module).values()
        if isinstance(c, type) and issubclass(c, Refused) and c is not Refused
    }
    named = {name.removeprefix("ERROR_REASON_") for name in errors_pb2.ErrorReason.DESCRIPTOR.values_by_name}
    assert named - {"UNSPECIFIED"} == given | {"INVALID_FIELD", "UNKNOWN_CURRENCY", "INTERNAL"}
