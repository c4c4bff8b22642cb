"""Keyset paging: a page token holds the sort values of the last row shown, so that pages neither skip nor repeat while rows come and go."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self, TypeVar

import orjson
from google.protobuf.message import Message
from stratapolis.chassis.errors import InvalidField

DEFAULT_SIZE = 100
LARGEST_SIZE = 500
ROOM = 900_000
"""Bytes of rows in one answer, which takes 1 MiB: the rest is for what stands beside them."""
FRAMING = 16
"""Bytes, at most, that a row takes besides its own."""
LARGEST_INT = 2**63 - 1
_DAY = timedelta(days=1)
_DIGEST = 8
Value = str | int | float | datetime
"""What rows are sorted by."""
R = TypeVar("R")
M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Page:
    """What a list request asks for: `size` rows, those behind the sort values `after`; None: from the start.

    A store function takes `after` and reads `size + 1` rows; `fit` makes the answer of them.
    """

    size: int
    after: tuple[Any, ...] | None
    _asked: bytes
    _kinds: tuple[type, ...]

    @classmethod
    def of(cls, request: Message, kind: type, /, *kinds: type) -> Self:
        """The page of a request with `page_size` and `page_token`, of a list sorted by values of these kinds.

        A token needs no secret to be forged: whatever is not what this list and filter could have given raises InvalidField and never reaches a query.
        """
        size, token, asked = getattr(request, "page_size"), getattr(request, "page_token"), digest(request)  # noqa: B009 - fields of every list request
        if size < 0:
            raise InvalidField("page_size", "must not be negative")
        after = _read(token, asked, (kind, *kinds)) if token else None
        return cls(min(size or DEFAULT_SIZE, LARGEST_SIZE), after, asked, (kind, *kinds))

    def fit(self, rows: Sequence[R], show: Callable[[R], M], values: Callable[[R], tuple[Value, ...]]) -> tuple[list[M], str]:
        """The rows of this page as they are shown, and the token of the next one, made of the last row's sort values; empty on the last page.

        Long rows end a page early, before it outgrows an answer; one row it always has, or no caller would ever get past it.
        """
        shown: list[M] = []
        room = ROOM
        for row in rows[: self.size]:
            message = show(row)
            room -= message.ByteSize() + FRAMING
            if room < 0 and shown:
                break
            shown.append(message)
        return shown, self.token(*values(rows[len(shown) - 1])) if len(rows) > len(shown) else ""

    def token(self, *values: Value) -> str:
        """The token of the page that begins behind these sort values, opaque to callers; `fit` gives it for an answer that shows its rows."""
        if not _of_kinds(values, self._kinds):
            raise TypeError(f"sort values {values} are not of the kinds {self._kinds} that this list takes back")
        body = self._asked + orjson.dumps([{"t": v.isoformat()} if isinstance(v, datetime) else v for v in values])
        return base64.urlsafe_b64encode(body).rstrip(b"=").decode()


def digest(request: Message) -> bytes:
    """The same for each page of one list: a token used with another filter would show a wrong page."""
    filters = type(request)()
    filters.CopyFrom(request)
    filters.ClearField("page_token")
    filters.ClearField("page_size")
    name = request.DESCRIPTOR.full_name.encode()
    return hashlib.sha256(name + b"\0" + filters.SerializeToString(deterministic=True)).digest()[:_DIGEST]


def _read(token: str, asked: bytes, kinds: tuple[type, ...]) -> tuple[Value, ...]:
    try:
        body = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
        values = orjson.loads(body[_DIGEST:])
        if body[:_DIGEST] != asked or not isinstance(values, list):
            raise _not_ours()
        after = tuple(_value(v) for v in values)
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise _not_ours() from error
    if not _of_kinds(after, kinds):
        raise _not_ours()
    return after


def _value(value: Any) -> Value:
    if isinstance(value, dict):
        time = datetime.fromisoformat(value["t"])
        if time.tzinfo is None:
            raise ValueError("naive")
        return time
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError("not a sort value")
    return value


def _of_kinds(values: tuple[Value, ...], kinds: tuple[type, ...]) -> bool:
    return len(values) == len(kinds) and all(isinstance(value, kind) and _can_be_kept(value) for value, kind in zip(values, kinds, strict=True))


def _can_be_kept(value: Value) -> bool:
    """Whether a row could have this value: PostgreSQL keeps no NUL in texts, and at the calendar's very ends a time cannot be reckoned with."""
    if isinstance(value, str):
        return "\0" not in value
    if isinstance(value, datetime):
        return datetime.min.replace(tzinfo=UTC) + _DAY < value < datetime.max.replace(tzinfo=UTC) - _DAY
    return math.isfinite(value) and (isinstance(value, float) or abs(value) <= LARGEST_INT)


def _not_ours() -> InvalidField:
    return InvalidField("page_token", "not a token of this list: take next_page_token of the page before, with the same filters")
