"""Keyset paging: a page token holds the sort values of the last row shown, so that pages neither skip nor repeat while rows come and go."""

from __future__ import annotations

import base64
import hashlib
import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import orjson
from google.protobuf.message import Message
from stratapolis.chassis.errors import InvalidField

DEFAULT_SIZE = 100
LARGEST_SIZE = 500
_DIGEST = 8
Value = str | int | float | datetime
"""What rows are sorted by."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a list request asks for: `size` rows, those behind the sort values `after`; None: from the start.

    A store function takes `after` and reads `size + 1` rows; if it got them, `token(...)` of row `size` leads to the next page.
    """

    size: int
    after: tuple[Any, ...] | None
    _asked: bytes

    @classmethod
    def of(cls, request: Message, *kinds: type) -> Self:
        """The page of a request with `page_size` and `page_token`; raises InvalidField for a token that is not of this list and filter.

        With `kinds`, the types of the sort values, a forged token is refused here too and never reaches a query.
        """
        size, token, asked = getattr(request, "page_size"), getattr(request, "page_token"), _digest(request)  # noqa: B009 - fields of every list request
        if size < 0:
            raise InvalidField("page_size", "must not be negative")
        after = _read(token, asked) if token else None
        if after is not None and kinds and not (len(after) == len(kinds) and all(map(_fits, after, kinds))):
            raise _not_ours()
        return cls(min(size or DEFAULT_SIZE, LARGEST_SIZE), after, asked)

    def token(self, *values: Value) -> str:
        """The token of the page that begins behind these sort values; opaque to callers."""
        body = self._asked + orjson.dumps([{"t": v.isoformat()} if isinstance(v, datetime) else v for v in values])
        return base64.urlsafe_b64encode(body).rstrip(b"=").decode()


def _digest(request: Message) -> bytes:
    """The same for each page of one list: a token used with another filter would show a wrong page."""
    filters = type(request)()
    filters.CopyFrom(request)
    filters.ClearField("page_token")
    filters.ClearField("page_size")
    name = request.DESCRIPTOR.full_name.encode()
    return hashlib.sha256(name + b"\0" + filters.SerializeToString(deterministic=True)).digest()[:_DIGEST]


def _read(token: str, asked: bytes) -> tuple[Value, ...]:
    try:
        body = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
        values = orjson.loads(body[_DIGEST:])
        if body[:_DIGEST] != asked or not isinstance(values, list):
            raise _not_ours()
        return tuple(_value(v) for v in values)
    except (ValueError, KeyError, TypeError) as error:
        raise _not_ours() from error


def _value(value: Any) -> Value:
    if isinstance(value, dict):
        time = datetime.fromisoformat(value["t"])
        if time.tzinfo is None:
            raise ValueError("naive")
        return time
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError("not a sort value")
    return value


def _fits(value: Value, kind: type) -> bool:
    return isinstance(value, kind) and not (isinstance(value, float) and not math.isfinite(value))


def _not_ours() -> InvalidField:
    return InvalidField("page_token", "not a token of this list: take next_page_token of the page before, with the same filters")
