"""Ids: UUIDv7, which sort by the time they were made (RFC 9562, clause 5.7)."""

from __future__ import annotations

import uuid_utils


def new_id() -> str:
    """A new id."""
    return str(uuid_utils.uuid7())
