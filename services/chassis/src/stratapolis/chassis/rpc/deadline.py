"""How long a call may still take; what it asks of others is bounded by it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextvars import ContextVar

LONGEST = 60.0
_until: ContextVar[float | None] = ContextVar("deadline", default=None)


def margin(seconds: float) -> float:
    """What is kept back so that the answer still arrives."""
    return min(0.2, seconds / 10)


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Within the block the call in hand ends in so many seconds."""
    token = _until.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _until.reset(token)


def remaining() -> float | None:
    """Seconds left of the call in hand; None outside of one."""
    until = _until.get()
    return None if until is None else max(until - time.monotonic(), 0.0)
