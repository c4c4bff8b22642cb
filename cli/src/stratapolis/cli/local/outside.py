"""Stores that somebody else runs: a PostgreSQL server that we make databases on."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from urllib.parse import quote, urlsplit

import asyncpg
from stratapolis.cli.local.errors import LocalCityError
from stratapolis.cli.people import write_secret


class OutsidePostgres:
    """Makes a database and a role for each layer on a server given by the DSN of a role that may; passwords are kept in the city's folder."""

    def __init__(self, dsn: str, folder: Path) -> None:
        parts = urlsplit(dsn)
        if parts.scheme not in {"postgresql", "postgres"} or not parts.hostname:
            raise LocalCityError("--postgres takes a DSN such as postgresql://admin:secret@host:5432/postgres")
        self._dsn, self._at, self._kept = dsn, f"{parts.hostname}:{parts.port or 5432}", folder / "outside.json"

    async def create_database(self, name: str) -> str:
        """The layer's own DSN; again changes nothing."""
        password = self._password(name)
        try:
            connection = await asyncpg.connect(self._dsn, timeout=10)
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            raise LocalCityError(f"PostgreSQL at {self._at} cannot be used: {error or type(error).__name__}") from error
        try:
            await self._make(connection, name, password)
        except asyncpg.InsufficientPrivilegeError as error:
            raise LocalCityError(f"the role given for PostgreSQL at {self._at} may not make databases and roles: {error}") from error
        finally:
            await connection.close()
        return f"postgresql://{name}:{quote(password, safe='')}@{self._at}/{name}"

    async def _make(self, connection: asyncpg.Connection, name: str, password: str) -> None:
        exists = await connection.fetchval("select true from pg_roles where rolname = $1", name)
        secret = await connection.fetchval("select quote_literal($1)", password)
        await connection.execute(f'{"alter" if exists else "create"} role "{name}" login password {secret}')
        if not await connection.fetchval("select true from pg_database where datname = $1", name):
            await connection.execute(f'grant "{name}" to current_user')
            await connection.execute(f'create database "{name}" owner "{name}"')
        await connection.execute(f'revoke all on database "{name}" from public')

    def _password(self, name: str) -> str:
        passwords: dict[str, str] = json.loads(self._kept.read_text()) if self._kept.exists() else {}
        if name not in passwords:
            passwords[name] = secrets.token_urlsafe(24)
            write_secret(self._kept, json.dumps(passwords))
        return passwords[name]
