"""Own tokens: one request for all who wait, renewed before they end, kept while the issuer is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from stratapolis.chassis.identity import IssuerAway
from stratapolis.chassis.own_token import Tokens

KEY = Ed25519PrivateKey.generate()
URL = "http://connectivity/oauth2/token"


class Endpoint:
    """A token endpoint in memory: numbers its tokens."""

    def __init__(self) -> None:
        self.forms: list[dict[str, list[str]]] = []
        self.life, self.status, self.now = 900.0, 200, 5000.0

    async def answer(self, request: httpx.Request) -> httpx.Response:
        self.forms.append(parse_qs((await request.aread()).decode()))
        await asyncio.sleep(0)
        return httpx.Response(self.status, json={"access_token": f"token-{len(self.forms)}", "token_type": "Bearer", "expires_in": self.life})


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint()


@pytest.fixture
async def tokens(endpoint: Endpoint) -> AsyncIterator[Tokens]:
    async with (
        httpx.AsyncClient(transport=httpx.MockTransport(endpoint.answer)) as client,
        Tokens(URL, "layer:policy", KEY, client=client, clock=lambda: endpoint.now) as tokens,
    ):
        yield tokens


async def asked(endpoint: Endpoint, times: int) -> None:
    """The request behind the calls was made, and ended."""
    for _ in range(100):
        await asyncio.sleep(0)
    assert len(endpoint.forms) == times


async def test_an_app_proves_itself_with_its_key(endpoint: Endpoint, tokens: Tokens) -> None:
    assert await tokens.token("governance") == "token-1"
    (form,) = endpoint.forms
    claims: dict[str, Any] = jwt.decode(form["client_assertion"][0], KEY.public_key(), algorithms=["EdDSA"], audience=URL)
    assert (claims["iss"], claims["sub"], form["audience"], form["grant_type"]) == ("layer:policy", "layer:policy", ["governance"], ["client_credentials"])
    assert claims["exp"] - claims["iat"] <= 60
    assert claims["jti"]


async def test_one_request_serves_all_who_wait_and_each_audience_has_its_own(endpoint: Endpoint, tokens: Tokens) -> None:
    assert set(await asyncio.gather(*(tokens.token("governance") for _ in range(20)))) == {"token-1"}
    assert await tokens.token("data") == "token-2"
    assert len({form["client_assertion"][0] for form in endpoint.forms}) == 2


async def test_a_token_is_renewed_behind_the_calls_at_half_its_life(endpoint: Endpoint, tokens: Tokens) -> None:
    await tokens.token("governance")
    endpoint.now += 900 * 0.44
    assert await tokens.token("governance") == "token-1"
    await asked(endpoint, 1)
    endpoint.now += 900 * 0.12
    assert await tokens.token("governance") == "token-1"
    await asked(endpoint, 2)
    assert await tokens.token("governance") == "token-2"


async def test_an_issuer_away_is_felt_only_when_the_token_ends(endpoint: Endpoint, tokens: Tokens) -> None:
    await tokens.token("governance")
    endpoint.status, endpoint.now = 503, endpoint.now + 890
    assert await tokens.token("governance") == "token-1"
    endpoint.now += 10
    with pytest.raises(IssuerAway):
        await tokens.token("governance")
    endpoint.status = 200
    assert (await tokens.token("governance")).startswith("token-")
