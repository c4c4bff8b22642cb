"""Who is let in, and what they see: tokens, roles, owners, callers behind a layer, policies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from city.journey.v1.holds_service_pb2 import ListHoldsRequest
from city.operations.v1.operations_service_pb2 import (
    ListDeadLettersRequest,
    RedriveDeadLetterRequest,
    RedriveDeadLetterResponse,
)
from city.policy.v1.policies_pb2 import PolicyActivated
from stratapolis.chassis.errors import Kind
from stratapolis.chassis.rpc.client import refusal

from services.chassis.tests.integration.rpc.conftest import REDRIVE, Toy, outcome, redrive

NOW = datetime.now(UTC)


TOKENS: dict[str, tuple[Callable[[Toy], str | None], tuple[str, str]]] = {
    "none": (lambda _: None, ("UNAUTHENTICATED", "NO_TOKEN")),
    "damaged": (lambda toy: toy.token()[:-5], ("UNAUTHENTICATED", "TOKEN_INVALID")),
    "wrong audience": (lambda toy: toy.token(audience="policy"), ("UNAUTHENTICATED", "TOKEN_INVALID")),
    "expired": (lambda toy: toy.token(issued_at=NOW - timedelta(hours=1), expires_at=NOW - timedelta(minutes=1)), ("UNAUTHENTICATED", "TOKEN_EXPIRED")),
    "revoked": (lambda toy: toy.token("person:gone"), ("UNAUTHENTICATED", "TOKEN_REVOKED")),
    "wrong role": (lambda toy: toy.token(roles=("officer",)), ("PERMISSION_DENIED", "CALLER_NOT_ALLOWED")),
    "no role": (lambda toy: toy.token(roles=()), ("PERMISSION_DENIED", "CALLER_NOT_ALLOWED")),
    "a layer where roles are asked": (lambda toy: toy.token("layer:policy", kind="layer", roles=()), ("PERMISSION_DENIED", "CALLER_NOT_ALLOWED")),
    "right": (lambda toy: toy.token(), ("OK", "")),
}


@pytest.mark.parametrize(("make", "expected"), TOKENS.values(), ids=TOKENS.keys())
async def test_g11_only_the_right_token_is_let_in(toy: Toy, make: Callable[[Toy], str | None], expected: tuple[str, str]) -> None:
    toy.feed.subjects.add("person:gone")
    channel = await toy.channel(make(toy))
    call = channel.unary_unary(REDRIVE, RedriveDeadLetterRequest.SerializeToString, RedriveDeadLetterResponse.FromString)
    assert await outcome(call(redrive(), timeout=5)) == expected
    assert await toy.rows() == (3 if expected[0] == "OK" else 2)


async def test_a_silent_feed_stops_an_operator(toy: Toy) -> None:
    toy.feed.silence = timedelta(seconds=31)
    stub = await toy.operator()
    assert await outcome(stub.ListDeadLetters(ListDeadLettersRequest(), timeout=5)) == ("UNAVAILABLE", "FEED_SILENT")
    toy.feed.silence = timedelta(seconds=1)
    assert await outcome(stub.ListDeadLetters(ListDeadLettersRequest(), timeout=5)) == ("OK", "")


SEEN: dict[str, tuple[dict[str, Any], set[str]]] = {
    "a person its own": ({"roles": ()}, {"of ann"}),
    "a member its own and its creator's": ({"roles": (), "creator": "acme"}, {"of ann", "of acme"}),
    "a system its creator's": ({"roles": (), "subject": "system:1", "kind": "system", "creator": "acme"}, {"of acme"}),
    "another person nothing": ({"roles": (), "subject": "person:bob"}, set()),
    "an officer all": ({"roles": ("officer",), "subject": "person:bob"}, {"of ann", "of acme"}),
    "a layer all": ({"roles": (), "subject": "layer:policy", "kind": "layer"}, {"of ann", "of acme"}),
}


@pytest.mark.parametrize(("who", "seen"), SEEN.values(), ids=SEEN.keys())
async def test_g11_owners_see_their_rows(toy: Toy, who: dict[str, Any], seen: set[str]) -> None:
    answer = await (await toy.holds(toy.token(**who))).ListHolds(ListHoldsRequest(), timeout=5)
    assert {hold.journey_id for hold in answer.holds} == seen


async def test_g11_another_owners_row_looks_like_one_that_is_not_there(toy: Toy) -> None:
    stub = await toy.holds(toy.token("person:bob", roles=()))
    refusals = []
    for wanted in ("of acme", "of nobody"):
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await stub.ListHolds(ListHoldsRequest(journey_id=wanted), timeout=5)
        refusals.append((failed.value.code(), failed.value.details(), tuple(failed.value.trailing_metadata())))
    assert refusals[0] == refusals[1]
    assert refusals[0][0] is grpc.StatusCode.NOT_FOUND


async def test_a_layer_on_behalf_of_a_person_sees_the_persons_rows(toy: Toy) -> None:
    layer = toy.token("layer:policy", kind="layer", roles=())
    user = toy.token("person:ann", roles=(), audience="policy")
    answer = await (await toy.holds(layer, x_on_behalf_of=user)).ListHolds(ListHoldsRequest(), timeout=5)
    assert {hold.journey_id for hold in answer.holds} == {"of ann"}


@pytest.mark.parametrize(
    ("own", "behind", "expected"),
    [
        ({"roles": ()}, {}, ("PERMISSION_DENIED", "NOT_ON_BEHALF")),
        ({"subject": "layer:policy", "kind": "layer"}, {"audience": "data"}, ("UNAUTHENTICATED", "TOKEN_INVALID")),
        ({"subject": "layer:policy", "kind": "layer"}, {"subject": "person:gone"}, ("UNAUTHENTICATED", "TOKEN_REVOKED")),
    ],
)
async def test_on_behalf_is_for_layers_and_tokens_they_were_given(toy: Toy, own: dict[str, Any], behind: dict[str, Any], expected: tuple[str, str]) -> None:
    toy.feed.subjects.add("person:gone")
    stub = await toy.holds(toy.token(**own), x_on_behalf_of=toy.token(**behind))
    assert await outcome(stub.ListHolds(ListHoldsRequest(), timeout=5)) == expected


async def test_a_policy_that_forbids_is_felt_and_named(toy: Toy) -> None:
    stub = await toy.operator()
    await stub.RedriveDeadLetter(redrive("request-0"), timeout=5)
    toy.policy[0] = PolicyActivated(
        name="city", version=2, cedar='@id("all") permit(principal,action,resource); @id("no-writes") forbid(principal, action in Action::"write", resource);'
    )
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await stub.RedriveDeadLetter(redrive(), timeout=5)
    refused = refusal(failed.value)
    assert (refused.reason, refused.kind, refused.details) == ("DENIED_BY_POLICY", Kind.DENIED, {"policy": "no-writes", "version": "2"})
    assert await outcome(stub.ListDeadLetters(ListDeadLettersRequest(), timeout=5)) == ("OK", "")


async def test_without_a_policy_only_layers_go_on(toy: Toy) -> None:
    toy.policy[0] = None
    assert await outcome((await toy.operator()).ListDeadLetters(ListDeadLettersRequest(), timeout=5)) == ("PERMISSION_DENIED", "NO_POLICY")
    layer = await toy.holds(toy.token("layer:policy", kind="layer", roles=()))
    assert await outcome(layer.ListHolds(ListHoldsRequest(), timeout=5)) == ("OK", "")
