"""The ingress of things: `POST /ingress/observations`. It authenticates the thing, stamps thing and owner, and alone writes the raw topic."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NoReturn, Protocol

from city.connectivity.v1.observations_pb2 import ThingObserved
from city.options.v1.options_pb2 import CALLER_AUTHENTICATED
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from stratapolis.chassis.db import Database
from stratapolis.chassis.errors import Refused
from stratapolis.chassis.http_face import Guarded, Serves
from stratapolis.chassis.identity import TokenRevoked
from stratapolis.chassis.rpc.gate import Admitted
from stratapolis.chassis.rpc.status import http
from stratapolis.chassis.tokens import Claims
from stratapolis.connectivity import codec, store
from stratapolis.connectivity.domain import errors
from stratapolis.connectivity.domain.identity import Identity, State
from stratapolis.connectivity.domain.observation import Device, ItemRefused, read
from stratapolis.connectivity.domain.rate import Limiter
from stratapolis.connectivity.routes.bodies import TooLong, read_body

MOST_ITEMS = 1_000
LONGEST_BODY = 1 << 20


class RawStream(Protocol):
    """Where observations go; `send` returns when the broker has them, and raises a Refused of kind UNAVAILABLE when it does not take them."""

    async def send(self, events: Sequence[ThingObserved]) -> None:
        """Write events, each under its key, in order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingress:
    """Takes observations of registered devices. `limits` counts observations a thing."""

    db: Database
    stream: RawStream
    limits: Limiter

    def routes(self) -> Sequence[Serves]:
        """For enrolled identities, of which the policy lets things in, and this the registered devices among them."""
        return (Guarded(path="/ingress/observations", name="Ingress", allow=frozenset({CALLER_AUTHENTICATED}), work=self.observations),)

    async def observations(self, request: Request, admitted: Admitted) -> Response:
        """Take a batch; a result for each item, in its place. What is `accepted` is on the broker's disk."""
        device, at = await self._device(admitted.tokens[-1])
        try:
            return JSONResponse({"results": await self._take(await _items(request), device, at)})
        except errors.BatchTooLarge as refusal:
            return _answer(refusal, 413)
        except errors.RateExceeded as refusal:
            return _answer(refusal, 429, {"retry-after": str(refusal.wait_seconds)})

    async def _device(self, claims: Claims) -> tuple[Device, datetime]:
        """The registered device behind a token, and the database's time; refused where the token counts no more.

        Revocations stand in this very database: here they count at once, before any process can have heard of them.
        """
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


def _answer(refusal: Refused, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": http(refusal)[1]}, status, headers=headers)
