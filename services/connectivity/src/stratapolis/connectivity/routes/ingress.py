"""The ingress of things: `POST /ingress/observations`. It authenticates the thing, stamps thing and owner, and alone writes the raw topic."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NoReturn, Protocol

from city.connectivity.v1.observations_pb2 import ThingObserved
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from stratapolis.chassis.db import Database
from stratapolis.chassis.errors import Kind, Refused
from stratapolis.chassis.identity import NoToken, TokenRevoked
from stratapolis.chassis.rpc.status import http
from stratapolis.chassis.tokens import Claims, Verifier
from stratapolis.connectivity import codec, store
from stratapolis.connectivity.denials import Denials
from stratapolis.connectivity.domain import errors
from stratapolis.connectivity.domain.identity import Identity, State
from stratapolis.connectivity.domain.observation import Device, ItemRefused, read
from stratapolis.connectivity.domain.rate import Limiter
from stratapolis.connectivity.routes.bodies import TooLong, read_body

MOST_ITEMS = 1_000
LONGEST_BODY = 1 << 20
DENIED = frozenset({Kind.UNAUTHENTICATED, Kind.DENIED})


class RawStream(Protocol):
    """Where observations go; `send` returns when the broker has them, and raises a Refused of kind UNAVAILABLE when it does not take them."""

    async def send(self, events: Sequence[ThingObserved]) -> None:
        """Write events, each under its key, in order."""
        ...


class CheckedHere:
    """Revocations stand in this very database: the ingress reads them there, for each request, so nothing has to be followed."""

    def refused(self, subject: str, jti: str, issued_at: datetime) -> bool:  # noqa: ARG002 - the shape of Revocations
        """Not known here yet; see `Ingress._device`."""
        return False

    def silent_for(self) -> timedelta:
        """Never silent."""
        return timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingress:
    """Takes observations of registered devices. `limits` counts observations a thing."""

    db: Database
    verifier: Verifier
    stream: RawStream
    denials: Denials
    limits: Limiter

    def routes(self) -> Sequence[Route]:
        """Admits things by their token, for the audience `connectivity`."""
        return (Route("/ingress/observations", self.observations, methods=["POST"]),)

    async def observations(self, request: Request) -> Response:
        """Take a batch; a result for each item, in its place. What is `accepted` is on the broker's disk."""
        subject = ""
        try:
            claims = await self._verified(request)
            subject = claims.caller.subject
            device, at = await self._device(claims)
            return JSONResponse({"results": await self._take(await _items(request), device, at)})
        except Refused as refused:
            if refused.kind in DENIED:
                await self.denials.denied(subject, "ingress", refused.reason)
            return _answer(refused)
        except Exception as error:
            status, body = http(error)
            if status == 500:  # nobody expected it: the server logs it
                raise
            return JSONResponse({"error": body}, status)

    async def _verified(self, request: Request) -> Claims:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise NoToken("send a token: `authorization: Bearer ...`")
        return await self.verifier.verify(token.strip())

    async def _device(self, claims: Claims) -> tuple[Device, datetime]:
        """The registered device behind a token, and the database's time; refused where the token counts no more."""
        async with self.db.transaction(readonly=True) as tx:
            identity = await store.identities.find(tx, claims.caller.subject, None)
            if identity is not None:
                _still_counts(identity, claims)
            device = await store.devices.find(tx, claims.caller.subject, None) if claims.caller.kind == "thing" else None
        if device is None:
            raise errors.DeviceNotRegistered
        return device, tx.at

    async def _take(self, items: Sequence[object], device: Device, at: datetime) -> list[dict[str, str]]:
        if wait := self.limits.wait(device.thing, len(items), time.monotonic()):
            raise errors.RateExceeded(math.ceil(wait) if math.isfinite(wait) else 60)
        found = [read(item, device, at=at) for item in items]
        taken = [codec.observed(one, device) for one in found if not isinstance(one, ItemRefused)]
        if taken:
            await self.stream.send(taken)
        return [_result(one) for one in found]


def _still_counts(identity: Identity, claims: Claims) -> None:
    """What was cut counts no more, by the database's own word; `iat` has whole seconds, as revocations have it everywhere."""
    if identity.state is not State.ACTIVE or (identity.cut_at is not None and claims.issued_at < identity.cut_at):
        raise TokenRevoked("the token, or its subject, was revoked")


async def _items(request: Request) -> list[object]:
    """The batch. Numbers are decimals, never floats; NaN and infinities are no JSON."""
    try:
        body = await read_body(request, LONGEST_BODY)
        items = json.loads(body, parse_float=Decimal, parse_constant=_no_number)
    except TooLong:
        raise errors.BatchTooLarge(f"the body has more than {LONGEST_BODY} bytes") from None
    except (ValueError, RecursionError, ClientDisconnect):
        raise errors.BodyNotUsable("send a JSON array of observations, UTF-8") from None
    if not isinstance(items, list) or not items:
        raise errors.BodyNotUsable("send a JSON array of observations, at least one")
    if len(items) > MOST_ITEMS:
        raise errors.BatchTooLarge(f"{len(items)} observations are more than {MOST_ITEMS}: send them in parts")
    return items


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)


def _result(one: object) -> dict[str, str]:
    if isinstance(one, ItemRefused):
        return {"status": "refused", "reason": one.reason, "field": one.field, "message": one.message}
    return {"status": "accepted"}


def _answer(refused: Refused) -> Response:
    status, body = http(refused)
    headers: dict[str, Any] = {}
    if isinstance(refused, errors.BatchTooLarge):
        status = 413
    if isinstance(refused, errors.RateExceeded):
        headers["retry-after"] = str(refused.wait_seconds)
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    return JSONResponse({"error": body}, status, headers=headers)
