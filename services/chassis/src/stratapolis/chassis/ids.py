"""Ids: UUIDv7 strings, so that rows made one after the other lie beside each other."""

from __future__ import annotations

import uuid_utils


def new_id() -> str:
    """A new id: lower case, 36 characters, ordered by the time it was made."""
    return str(uuid_utils.uuid7())
