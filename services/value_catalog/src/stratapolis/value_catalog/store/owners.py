"""Whose rows may be seen: a row belongs to who made it, to the service it is about, and to the service's value creator."""

from __future__ import annotations

Owners = tuple[str, ...] | None
"""Owners a caller stands for; None: everybody's rows."""

SYSTEM = "system:"


def services(owners: Owners) -> list[str]:
    """The services whose own software the caller is; asked for by id, so that an index serves."""
    return [owner.removeprefix(SYSTEM) for owner in owners or () if owner.startswith(SYSTEM)]
