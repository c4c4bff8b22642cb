"""What a value creator's program has of the city: an identity of its own, tokens, and stubs. Nothing here comes from the platform's own code.

The provider gives a program its environment: PORT, CITY_SERVICE_ID, CITY_SUBJECT, CITY_KEY_FILE, CITY_TOKEN_URL, CITY_VALUE_CATALOG, CITY_DATA.
"""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

import grpc
import httpx
import jwt
import uvicorn
from google.protobuf.timestamp_pb2 import Timestamp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

DEADLINE_SECONDS = 5.0
EARLY_SECONDS = 60.0
Stub = TypeVar("Stub")


class NotAllowed(Exception):
    """A caller's token does not count here."""


@dataclass(slots=True)
class Outsider:
    """A program's link to the city. `async with` opens and closes it."""

    subject: str
    service_id: str
    key: str
    token_url: str
    addresses: dict[str, str]
    _http: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(timeout=5))
    _channels: dict[str, grpc.aio.Channel] = field(default_factory=dict)
    _tokens: dict[str, tuple[str, float]] = field(default_factory=dict)
    _keys: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_environment(cls, environ: dict[str, str]) -> Outsider:
        """The link that the provider's environment describes."""
        return cls(
            subject=environ["CITY_SUBJECT"],
            service_id=environ["CITY_SERVICE_ID"],
            key=Path(environ["CITY_KEY_FILE"]).read_text(),
            token_url=environ["CITY_TOKEN_URL"],
            addresses={"value_catalog": environ["CITY_VALUE_CATALOG"], "data": environ["CITY_DATA"]},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()
        for channel in self._channels.values():
            await channel.close()

    def stub(self, kind: type[Stub], layer: str) -> Stub:
        """A stub of one of the layer's services."""
        if layer not in self._channels:
            self._channels[layer] = grpc.aio.insecure_channel(self.addresses[layer], options=(("grpc.max_reconnect_backoff_ms", 2_000),))
        return kind(self._channels[layer])  # type: ignore[call-arg]

    async def call(self, layer: str) -> dict[str, Any]:
        """What every call takes: a deadline and this program's token for the layer."""
        return {"timeout": DEADLINE_SECONDS, "metadata": (("authorization", f"Bearer {await self.token(layer)}"),)}

    async def token(self, audience: str) -> str:
        """An access token for a layer, by private_key_jwt (RFC 7523), kept until shortly before its end."""
        kept, until = self._tokens.get(audience, ("", 0.0))
        if time.time() < until - EARLY_SECONDS:
            return kept
        now = int(time.time())
        claims = {"iss": self.subject, "sub": self.subject, "aud": self.token_url, "jti": uuid.uuid4().hex, "iat": now, "exp": now + 30}
        answer = await self._http.post(
            self.token_url,
            data={
                "grant_type": "client_credentials",
                "audience": audience,
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": jwt.encode(claims, self.key, "EdDSA"),
            },
        )
        answer.raise_for_status()
        found = answer.json()
        self._tokens[audience] = (found["access_token"], now + float(found["expires_in"]))
        return str(found["access_token"])

    async def subject_of(self, authorization: str) -> str:
        """Who calls this program: the subject of a token that the city issued for this service. Raises NotAllowed."""
        scheme, _, token = authorization.partition(" ")
        try:
            kid = jwt.get_unverified_header(token)["kid"]
            if scheme.lower() != "bearer":
                raise NotAllowed("send `authorization: Bearer ...`")
            claims = jwt.decode(token, await self._key(kid), ["EdDSA"], audience=self.service_id, options={"require": ["exp", "sub"]})
        except (jwt.InvalidTokenError, KeyError) as error:
            raise NotAllowed(f"send a token for the audience {self.service_id}: {error}") from None
        return str(claims["sub"])

    async def _key(self, kid: str) -> Any:
        if kid not in self._keys:
            found = await self._http.get(self.token_url.removesuffix("/oauth2/token") + "/.well-known/jwks.json")
            self._keys = {str(k.key_id): k.key for k in jwt.PyJWKSet.from_dict(found.raise_for_status().json()).keys}
        return self._keys[kid]


def now() -> Timestamp:
    """The present."""
    stamp = Timestamp()
    stamp.GetCurrentTime()
    return stamp


def reason(error: grpc.aio.AioRpcError) -> str:
    """A refused call in a line."""
    return f"{error.code().name}: {error.details()}"


def serve(*routes: Route) -> None:
    """Serve on PORT until SIGTERM, with the link to the city as `app.state.city`. Readiness does not depend on connections, which come later."""

    @contextlib.asynccontextmanager
    async def linked(app: Starlette) -> AsyncIterator[None]:
        async with Outsider.from_environment(dict(os.environ)) as city:
            app.state.city = city
            yield

    async def health(_: Request) -> JSONResponse:
        return JSONResponse({"ready": True})

    uvicorn.run(Starlette(routes=[*routes, Route("/health", health)], lifespan=linked), host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")
