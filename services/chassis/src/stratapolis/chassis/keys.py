"""The issuer's public keys over HTTP (JWKS, RFC 7517), kept so that its absence is felt late."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

import httpx
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from stratapolis.chassis.identity import IssuerAway, TokenInvalid

log = structlog.get_logger(__name__)
MAX_AGE = 300.0
STALE_AT_MOST = 86_400.0
UNKNOWN_EVERY = 10.0
AGAIN_AFTER = 1.0
FETCH_SECONDS = 2.0


def key_set(keys: Mapping[str, Ed25519PublicKey]) -> dict[str, Any]:
    """The JWKS document of keys, as the issuer serves it."""
    return {"keys": [{"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid, "x": _x(key)} for kid, key in keys.items()]}


def _x(key: Ed25519PublicKey) -> str:
    return base64.urlsafe_b64encode(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).rstrip(b"=").decode()


class KeySet:
    """Keys by id. Young: from memory. Older than five minutes: from memory, and fetched again behind it. Unknown: fetched, seldom."""

    def __init__(self, url: str, *, client: httpx.AsyncClient | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._url, self._clock = url, clock
        self._client, self._own = client or httpx.AsyncClient(timeout=FETCH_SECONDS), client is None
        self._keys: dict[str, Ed25519PublicKey] = {}
        self._fetched = self._tried = -STALE_AT_MOST - clock()
        self._reachable = False
        self._fetching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait({self._fetching})
        if self._own:
            await self._client.aclose()

    async def key(self, kid: str) -> Ed25519PublicKey:
        age = self._clock() - self._fetched
        if (known := self._keys.get(kid)) is not None and age < STALE_AT_MOST:
            if age >= MAX_AGE and self._may_try(AGAIN_AFTER):
                _ = self._fetch()
            return known
        if self._fetching is not None or self._may_try(UNKNOWN_EVERY if self._reachable else AGAIN_AFTER):
            await asyncio.shield(self._fetch())
        if not self._reachable:
            raise IssuerAway("the issuer of tokens does not answer: its key is not known")
        if kid not in self._keys:
            raise TokenInvalid("the token is signed with an unknown key")
        return self._keys[kid]

    def _may_try(self, gap: float) -> bool:
        return self._clock() - self._tried >= gap

    def _fetch(self) -> asyncio.Task[None]:
        """One fetch at a time; who comes meanwhile waits for the same."""
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch_once())
            self._fetching.add_done_callback(self._done)
        return self._fetching

    def _done(self, _: asyncio.Task[None]) -> None:
        self._fetching = None

    async def _fetch_once(self) -> None:
        self._tried = self._clock()
        try:
            answer = await self._client.get(self._url)
            answer.raise_for_status()
            self._keys = dict(_parse(answer.json()))
            self._fetched, self._reachable = self._clock(), True
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            self._reachable = False
            log.warning("keys_not_fetched", url=self._url, error=repr(error))


def _parse(document: Any) -> list[tuple[str, Ed25519PublicKey]]:
    """Keys of other kinds are not ours to use; a damaged one of ours spoils the document."""
    ours = [entry for entry in document["keys"] if entry.get("kty") == "OKP" and entry.get("crv") == "Ed25519"]
    return [(entry["kid"], Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(entry["x"] + "=="))) for entry in ours]
