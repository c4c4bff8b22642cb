"""Errors are told in one clear line."""

from __future__ import annotations

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest  # type: ignore[import-untyped]
from stratapolis.chassis.errors import InvalidField, Refused
from stratapolis.chassis.rpc import status
from stratapolis.chassis.rpc.refusals import InvalidRequest
from stratapolis.chassis.validation import Broken
from stratapolis.cli.local.errors import LocalCityError
from stratapolis.cli.refused import said


def as_received(refused: Refused | None) -> grpc.aio.AioRpcError:
    """The error as a client gets it from the server's own rendering."""
    answer = status.answer(refused, "governance")
    return grpc.aio.AioRpcError(answer.code, grpc.aio.Metadata(), grpc.aio.Metadata((status.DETAILS_KEY, answer.details)), details=answer.message)


class NobodyKnows(Refused):
    reason = "NO_POLICY"


def test_a_refusal_names_its_reason_and_what_would_be_right() -> None:
    told = said(as_received(NobodyKnows("no policy is in force")))
    assert told is not None
    assert told.lines() == ["refused, NO_POLICY: no policy is in force (found the city first: `city init`)"]


def test_each_field_at_fault_has_a_line() -> None:
    told = said(as_received(InvalidRequest([Broken("spec.price", "is missing"), Broken("kind", "must equal Service")])))
    assert told is not None
    assert told.lines() == ["refused, INVALID_REQUEST: 2 faults", "  spec.price: is missing", "  kind: must equal Service"]


def test_one_field_at_fault_is_told_as_one() -> None:
    told = said(as_received(InvalidField("page_token", "is of another list")))
    assert told is not None and told.lines()[0].startswith("refused, INVALID_FIELD: 1 fault")


def test_a_peer_that_is_away_is_told_without_addresses() -> None:
    away = grpc.aio.AioRpcError(
        grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), details="failed to connect to all addresses; ipv4:127.0.0.1:7103"
    )
    told = said(away)
    assert told is not None
    assert told.lines() == ["refused, UNAVAILABLE: nobody answers (does the city run? `city status` tells; `city up` starts it)"]


@pytest.mark.parametrize(("error", "line"), [(LocalCityError("port taken"), "port taken"), (FileNotFoundError(2, "No such file", "x"), "x: No such file")])
def test_what_goes_wrong_here_is_told_as_it_is(error: Exception, line: str) -> None:
    told = said(error)
    assert told is not None and told.lines() == [line]


def test_a_fault_of_the_command_is_not_hidden() -> None:
    assert said(ZeroDivisionError()) is None


def test_a_fault_of_the_app_says_that_it_was_logged() -> None:
    told = said(as_received(None))
    assert told is not None and told.reason == "INTERNAL" and "logged" in told.message


def test_details_of_another_kind_are_no_fields() -> None:
    assert BadRequest.DESCRIPTOR.name == "BadRequest"
    told = said(as_received(NobodyKnows("x")))
    assert told is not None and told.fields == ()
