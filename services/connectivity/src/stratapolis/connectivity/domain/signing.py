"""Which key signs tokens, and which keys the key set shows: a new key is shown a while before it signs, an old one until its tokens are gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A key pair of the issuer. It signs from `signs_from` until a younger key does."""

    kid: str
    private_pem: str
    public_pem: str
    signs_from: datetime


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How keys follow one another: `lasts` how long one signs, `shown` how long a key set is kept by readers, `token` how long a token lives."""

    lasts: timedelta
    shown: timedelta
    token: timedelta


SLACK = timedelta(seconds=60)
"""For clocks that differ and requests under way."""


def signing(keys: Sequence[SigningKey], at: datetime) -> SigningKey | None:
    """The key that signs now: the youngest of those whose time has come."""
    return max((key for key in keys if key.signs_from <= at), key=lambda key: key.signs_from, default=None)


def next_signs_from(keys: Sequence[SigningKey], rhythm: Rhythm, at: datetime) -> datetime | None:
    """When a new key, made now, would sign; None where none is due. The first signs at once: nobody keeps a key set without it."""
    if not keys:
        return at
    youngest = max(key.signs_from for key in keys)
    due = youngest + rhythm.lasts - rhythm.shown - SLACK
    return max(at + rhythm.shown, youngest + rhythm.lasts) if at >= due else None


def spent(keys: Sequence[SigningKey], rhythm: Rhythm, at: datetime) -> tuple[str, ...]:
    """The kids of keys whose last token is gone."""
    ordered = sorted(keys, key=lambda key: key.signs_from)
    return tuple(old.kid for old, younger in pairwise(ordered) if younger.signs_from + rhythm.token + SLACK <= at)
