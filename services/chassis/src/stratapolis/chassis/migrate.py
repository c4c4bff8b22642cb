"""Migrations: plain SQL, forward only, once each, under an advisory lock. The chassis's own come first."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from stratapolis.chassis.db import Database

LOCK = 0x5741_0002


class MigrationChanged(Exception):
    """A migration that was applied has another text now: write a new one instead."""


async def migrate(db: Database, folder: Path) -> Sequence[str]:
    """Apply what is missing; returns the names applied. Safe from several processes at once."""
    applied = []
    async with db.direct() as connection, connection.transaction():
        await connection.execute("set local statement_timeout = 0")
        await connection.execute("set local lock_timeout = 0")
        await connection.execute("select pg_advisory_xact_lock($1)", LOCK, timeout=60)
        await connection.execute(
            "create table if not exists migration (name text primary key, sha256 text not null, applied_at timestamptz not null default now())"
        )
        known = {row["name"]: row["sha256"] for row in await connection.fetch("select name, sha256 from migration")}
        for name, text in _wanted(folder):
            digest = hashlib.sha256(text.encode()).hexdigest()
            if name in known:
                if known[name] != digest:
                    raise MigrationChanged(f"migration {name} was applied with another text")
                continue
            await connection.execute(text)
            await connection.execute("insert into migration (name, sha256) values ($1, $2)", name, digest)
            applied.append(name)
    return applied


def _wanted(folder: Path) -> list[tuple[str, str]]:
    own = [("chassis", f) for f in files("stratapolis.chassis").joinpath("migrations").iterdir()]
    layer: list[tuple[str, Traversable]] = [("layer", f) for f in folder.iterdir()] if folder.is_dir() else []
    return [(f"{group}/{f.name}", f.read_text()) for group, f in sorted([*own, *layer], key=lambda pair: (pair[0], pair[1].name)) if f.name.endswith(".sql")]
