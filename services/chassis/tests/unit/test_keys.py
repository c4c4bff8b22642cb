"""The issuer's keys: kept while it is away, fetched seldom, followed when they rotate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from stratapolis.chassis.identity import IssuerAway, TokenInvalid
from stratapolis.chassis.keys import KeySet, key_set

ONE, TWO = (Ed25519PrivateKey.generate().public_key() for _ in range(2))


class Issuer:
    """Serves a key set in memory, or does not; counts who asks; its clock is the test's."""

    def __init__(self) -> None:
        self.now, self.asked, self.away = 1000.0, 0, False
        self.keys: dict[str, Ed25519PublicKey] = {"one": ONE}
        self.document: object = None

    async def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise httpx.ConnectError("away")
        return httpx.Response(200, json=self.document or key_set(self.keys))


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
async def keys(issuer: Issuer) -> AsyncIterator[KeySet]:
    client = httpx.AsyncClient(transport=httpx.MockTransport(issuer.answer))
    async with client, KeySet("http://connectivity/jwks", client=client, clock=lambda: issuer.now) as keys:
        yield keys


async def asked(issuer: Issuer, times: int) -> None:
    """The fetch behind the calls was made, and ended."""
    for _ in range(100):
        await asyncio.sleep(0)
    assert issuer.asked == times


async def test_a_key_is_fetched_once_for_all_who_wait(issuer: Issuer, keys: KeySet) -> None:
    assert await asyncio.gather(*(keys.key("one") for _ in range(20))) == [ONE] * 20
    issuer.now += 299
    assert await keys.key("one") == ONE
    assert issuer.asked == 1


async def test_after_five_minutes_keys_are_fetched_behind_the_calls(issuer: Issuer, keys: KeySet) -> None:
    await keys.key("one")
    issuer.now += 301
    issuer.keys["two"] = TWO
    assert await keys.key("one") == ONE
    await asked(issuer, 2)
    assert await keys.key("two") == TWO
    assert issuer.asked == 2


async def test_keys_outlive_their_issuer_by_a_day_and_no_longer(issuer: Issuer, keys: KeySet) -> None:
    await keys.key("one")
    issuer.away = True
    issuer.now += 86_399
    assert await keys.key("one") == ONE
    await asked(issuer, 2)
    issuer.now += 2
    with pytest.raises(IssuerAway):
        await keys.key("one")
    issuer.away, issuer.now = False, issuer.now + 2
    assert await keys.key("one") == ONE


async def test_an_unknown_key_is_asked_for_at_most_every_ten_seconds(issuer: Issuer, keys: KeySet) -> None:
    await keys.key("one")
    for step, expected in ((9.0, 1), (2.0, 2), (9.0, 2), (2.0, 3)):
        issuer.now += step
        with pytest.raises(TokenInvalid):
            await keys.key("two")
        assert issuer.asked == expected


async def test_a_rotated_key_counts_and_the_old_one_goes(issuer: Issuer, keys: KeySet) -> None:
    await keys.key("one")
    issuer.keys, issuer.now = {"two": TWO}, issuer.now + 11
    assert await keys.key("two") == TWO
    with pytest.raises(TokenInvalid):
        await keys.key("one")


async def test_an_issuer_never_reached_is_away_and_found_within_a_second(issuer: Issuer, keys: KeySet) -> None:
    issuer.away = True
    for _ in range(5):
        with pytest.raises(IssuerAway):
            await keys.key("one")
    assert issuer.asked == 1
    issuer.away, issuer.now = False, issuer.now + 1
    assert await keys.key("one") == ONE


@pytest.mark.parametrize("document", [[], {"keys": 1}, {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "one", "x": "AA"}]}, "x"])
async def test_a_damaged_key_set_changes_nothing(issuer: Issuer, keys: KeySet, document: object) -> None:
    await keys.key("one")
    issuer.document, issuer.now = document, issuer.now + 400
    assert await keys.key("one") == ONE
    await asked(issuer, 2)
    assert await keys.key("one") == ONE


async def test_keys_of_other_kinds_are_left_alone(issuer: Issuer, keys: KeySet) -> None:
    issuer.document = {"keys": [{"kty": "RSA", "kid": "rsa", "n": "x", "e": "AQAB"}, *key_set({"one": ONE})["keys"]]}
    assert await keys.key("one") == ONE
    with pytest.raises(TokenInvalid):
        await keys.key("rsa")
