"""An app's own tokens: what it shows when it calls another."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import httpx
import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from stratapolis.chassis.identity import IssuerAway
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.tokens import ALGORITHM

log = structlog.get_logger(__name__)
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS = 60
ASK_SECONDS = 2.0
AGAIN_AFTER = 1.0


class TokenSource(Protocol):
    """Where own tokens come from; connectivity's is its own signing key."""

    async def token(self, audience: str) -> str:
        """A token for the app named; raises IssuerAway."""
        ...


def assertion(subject: str, key: Ed25519PrivateKey, token_url: str, *, now: float) -> str:
    """How a client proves itself to the token endpoint: private_key_jwt (RFC 7523), good once and for a minute."""
    claims = {"iss": subject, "sub": subject, "aud": token_url, "jti": new_id(), "iat": int(now), "exp": int(now) + ASSERTION_SECONDS}
    return jwt.encode(claims, key, algorithm=ALGORITHM)


@dataclass(frozen=True, slots=True)
class _Held:
    token: str
    renew_at: float
    expires_at: float


class Tokens:
    """Own tokens by OAuth 2 client credentials, one for each audience; renewed behind the calls at half of their life."""

    def __init__(
        self, token_url: str, subject: str, key: Ed25519PrivateKey, *, client: httpx.AsyncClient | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url, self._subject, self._key, self._clock = token_url, subject, key, clock
        self._client, self._own = client or httpx.AsyncClient(timeout=ASK_SECONDS), client is None
        self._held: dict[str, _Held] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._failed: dict[str, float] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if waiting := set(self._asking.values()):
            for task in waiting:
                task.cancel()
            await asyncio.wait(waiting)
        if self._own:
            await self._client.aclose()

    async def token(self, audience: str) -> str:
        """The token held, or a new one; raises IssuerAway when there is neither."""
        now, held = self._clock(), self._held.get(audience)
        if held is not None and now < held.expires_at:
            if now >= held.renew_at and now - self._failed.get(audience, -AGAIN_AFTER) >= AGAIN_AFTER:
                _ = self._ask(audience)
            return held.token
        await asyncio.shield(self._ask(audience))
        held = self._held.get(audience)
        if held is None or self._clock() >= held.expires_at:
            raise IssuerAway("the issuer of tokens gives none")
        return held.token

    def _ask(self, audience: str) -> asyncio.Task[None]:
        """One request at a time for each audience; who comes meanwhile waits for the same."""
        if audience not in self._asking:
            self._asking[audience] = asyncio.create_task(self._ask_once(audience))
            self._asking[audience].add_done_callback(lambda _: self._asking.pop(audience))
        return self._asking[audience]

    async def _ask_once(self, audience: str) -> None:
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion(self._subject, self._key, self._url, now=time.time()),
            "audience": audience,
        }
        try:
            answer = await self._client.post(self._url, data=form)
            answer.raise_for_status()
            said = answer.json()
            token, life = str(said["access_token"]), float(said["expires_in"])
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            self._failed[audience] = self._clock()
            log.warning("no_token", audience=audience, error=repr(error))
            return
        now = self._clock()
        self._held[audience] = _Held(token, now + life * random.uniform(0.45, 0.55), now + life - min(5.0, life / 10))
