"""Why something happens: the event or call in hand, carried by a context variable into the events said because of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """What is in hand: its correlation (the journey), its own id, who acts."""

    correlation: str = ""
    causation: str = ""
    actor: str = ""


_NOTHING = Cause()
_current: ContextVar[Cause] = ContextVar("cause", default=_NOTHING)


def current() -> Cause:
    """The cause in hand."""
    return _current.get()


@contextlib.contextmanager
def because(cause: Cause) -> Iterator[None]:
    """Within the block, what is said is said because of `cause`."""
    token = _current.set(cause)
    try:
        yield
    finally:
        _current.reset(token)
