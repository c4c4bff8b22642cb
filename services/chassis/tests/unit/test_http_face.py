"""A route has an access value or is none; one that is guarded is entered as an RPC is: token, ways in, policy, and denials are counted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from city.audit.v1.audit_pb2 import AccessDenied
from city.options.v1.options_pb2 import CALLER_AUTHENTICATED, CALLER_ROLE
from city.policy.v1.policies_pb2 import PolicyActivated
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from stratapolis.chassis.denials import Denials
from stratapolis.chassis.errors import Kind, Refused
from stratapolis.chassis.health import Health
from stratapolis.chassis.http_face import Guarded, Open, serve
from stratapolis.chassis.identity import Caller
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.policies import Policies
from stratapolis.chassis.rpc.gate import Admitted, Gate
from stratapolis.chassis.tokens import Claims, FixedKeys, Verifier, mint

KEY = Ed25519PrivateKey.generate()
NOW = datetime.now(UTC)
POLICY = """permit (principal, action, resource) unless { principal.kind == "person" && action == Action::"connectivity.Ingress" };"""


class Feed:
    def refused(self, subject: str, jti: str, issued_at: datetime) -> bool:
        return subject == "thing:revoked"

    def silent_for(self) -> timedelta:
        return timedelta()


class NotRegistered(Refused):
    """What the route itself denies."""

    reason = "NOT_REGISTERED"
    kind = Kind.DENIED


async def greet(_: Request, admitted: Admitted) -> Response:
    if admitted.caller.subject == "thing:unknown":
        raise NotRegistered("register it first")
    if admitted.caller.subject == "thing:broken":
        raise ValueError("a fault")
    return PlainTextResponse(admitted.caller.subject)


async def hello(_: Request) -> Response:
    return PlainTextResponse("hello")


INGRESS = Guarded(path="/in", name="Ingress", allow=frozenset({CALLER_AUTHENTICATED}), work=greet)
STAFF = Guarded(path="/staff", name="Staff", allow=frozenset({CALLER_ROLE}), roles=frozenset({"operator"}), work=greet)


def a_gate() -> Gate:
    policy = PolicyActivated(name="city", version=1, cedar=POLICY)
    return Gate("connectivity", Verifier(FixedKeys({"k1": KEY.public_key()}), "connectivity", Feed()), Policies(lambda: policy), Denials("connectivity"))


def a_token(subject: str = "thing:1", *, audience: str = "connectivity", ends: timedelta = timedelta(minutes=15)) -> str:
    caller = Caller(subject=subject, kind=subject.partition(":")[0])  # type: ignore[arg-type]
    return mint(Claims(caller=caller, audience=audience, jti=new_id(), issued_at=NOW - timedelta(hours=1), expires_at=NOW + ends), KEY, "k1")


async def post(gate: Gate, path: str, token: str) -> httpx.Response:
    app = Starlette(routes=[one.route(gate) for one in (INGRESS, STAFF, Open(path="/hello", work=hello, methods=("POST",)))])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://in.process") as client:
        return await client.post(path, headers={"authorization": f"Bearer {token}"} if token else {})


async def denied(gate: Gate) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []

    async def hand(events: Sequence[AccessDenied], *, tx: Any, at: datetime) -> None:
        found.extend((event.rpc, event.subject, event.reason) for event in events)

    class Nowhere:
        def transaction(self) -> Any:
            return self

        async def __aenter__(self) -> Any:
            return self

        async def __aexit__(self, *_: object) -> None:
            pass

        at = NOW

    await gate.denials.tell(Nowhere(), hand)  # type: ignore[arg-type]
    return found


CALLS = {
    "none": ("", 401, "NO_TOKEN", ""),
    "garbage": ("x.y.z", 401, "TOKEN_INVALID", ""),
    "expired": (a_token(ends=-timedelta(seconds=1)), 401, "TOKEN_EXPIRED", "thing:1"),
    "another audience": (a_token(audience="data"), 401, "TOKEN_INVALID", "thing:1"),
    "revoked": (a_token("thing:revoked"), 401, "TOKEN_REVOKED", "thing:revoked"),
    "kept out by policy": (a_token("person:1"), 403, "DENIED_BY_POLICY", "person:1"),
    "denied by the route": (a_token("thing:unknown"), 403, "NOT_REGISTERED", "thing:unknown"),
}


@pytest.mark.parametrize(("token", "code", "reason", "subject"), CALLS.values(), ids=CALLS.keys())
async def test_g11_a_guarded_route_is_entered_as_an_rpc_is(token: str, code: int, reason: str, subject: str) -> None:
    gate = a_gate()
    answer = await post(gate, "/in", token)
    assert (answer.status_code, answer.json()["error"]["reason"]) == (code, reason)
    assert ("www-authenticate" in answer.headers) is (code == 401)
    assert await denied(gate) == [("POST /in", subject, reason)]


async def test_the_right_caller_comes_in_and_nothing_is_counted() -> None:
    gate = a_gate()
    assert (await post(gate, "/in", a_token())).text == "thing:1"
    assert await denied(gate) == []


async def test_a_route_for_a_role_lets_nobody_else_in() -> None:
    answer = await post(a_gate(), "/staff", a_token())
    assert (answer.status_code, answer.json()["error"]["reason"]) == (403, "CALLER_NOT_ALLOWED")


@pytest.mark.parametrize("token", ["", "x.y.z", a_token()])
async def test_an_open_route_is_for_everybody(token: str) -> None:
    gate = a_gate()
    assert (await post(gate, "/hello", token)).text == "hello"
    assert await denied(gate) == []


async def test_a_fault_is_raised_to_the_server_and_told_to_nobody() -> None:
    with pytest.raises(ValueError, match="a fault"):
        await post(a_gate(), "/in", a_token("thing:broken"))


async def test_g11_a_route_without_an_access_value_is_not_served() -> None:
    bare: Any = Route("/bare", hello)
    with pytest.raises(AttributeError, match="route"):
        await serve([bare], a_gate(), "127.0.0.1", 0, asyncio.Event())
    with pytest.raises(TypeError, match="allow"):
        Guarded(path="/in", name="Ingress", work=greet)  # type: ignore[call-arg]


def test_g11_health_has_an_access_value() -> None:
    assert {type(route) for route in Health("data").routes()} == {Open}
