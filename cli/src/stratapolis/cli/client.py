"""Calls to a city as one identity: token, deadline, retries; and what came back, refused or not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc
import jwt
from stratapolis.chassis.identity import IssuerAway
from stratapolis.chassis.own_token import Tokens
from stratapolis.chassis.rpc.client import Peers
from stratapolis.cli.local.endpoints import Endpoints
from stratapolis.cli.local.errors import LocalCityError
from stratapolis.cli.people import Identity

Stub = TypeVar("Stub")
SECONDS = 10.0


class Client:
    """One identity's way into a city, inside an `async with`."""

    def __init__(self, at: Endpoints, identity: Identity, *, seconds: float = SECONDS) -> None:
        self._at, self._identity, self._seconds = at, identity, seconds
        self._tokens = self._fresh()
        most = max((len(each) for each in at.grpc.values()), default=1)
        self._ways = [
            Peers({layer: each[replica] for layer, each in at.grpc.items() if replica < len(each)}, self, default_seconds=seconds) for replica in range(most)
        ]

    def _fresh(self) -> Tokens:
        return Tokens(self._at.token_url, self._identity.subject, self._identity.key)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for way in self._ways:
            await way.__aexit__(kind, error, trace)
        await self._tokens.__aexit__(kind, error, trace)

    def stub(self, stub: Callable[[grpc.aio.Channel], Stub], layer: str, replica: int = 0) -> Stub:
        """A stub for a service of a layer; raises for a layer that does not run."""
        if layer not in self._at.grpc:
            raise LocalCityError(f"this city has no {layer}: it has {', '.join(self._at.layers)}")
        return self._ways[replica].stub(stub, layer)

    async def token(self, audience: str) -> str:
        """A token for calls to `audience`."""
        return await self._tokens.token(audience)

    async def renew(self) -> None:
        """Forget the tokens held: the next ones say what the identity is now."""
        old, self._tokens = self._tokens, self._fresh()
        await old.__aexit__(None, None, None)

    async def claims(self, audience: str) -> dict[str, Any]:
        """What the token for `audience` says; read, not checked."""
        claims: dict[str, Any] = jwt.decode(await self.token(audience), options={"verify_signature": False})
        return claims

    async def until_claimed(self, fits: Callable[[dict[str, Any]], bool], *, seconds: float = 15.0) -> None:
        """Renew until the token says what is wanted: roles and memberships reach connectivity as events."""
        ends = time.monotonic() + seconds
        while True:
            await self.renew()
            try:
                if fits(await self.claims("governance")):
                    return
            except IssuerAway:
                pass
            if time.monotonic() > ends:
                raise LocalCityError(f"the token of {self._identity.name} did not change within {seconds:g} s")
            await asyncio.sleep(0.05)
