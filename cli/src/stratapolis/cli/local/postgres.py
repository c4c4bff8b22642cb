"""PostgreSQL as a child process: one server, a database and a role per app that no other app may read."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import secrets
from pathlib import Path
from urllib.parse import quote

import asyncpg
from stratapolis.cli.local import ground
from stratapolis.cli.local.daemon import Daemon
from stratapolis.cli.local.errors import LocalCityError
from stratapolis.cli.local.ports import HOST
from stratapolis.cli.local.process import Child, descendants, end, running_in
from stratapolis.cli.local.trouble import in_one_line

OWNER = "city"
"""The superuser, for the launcher alone."""

_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "300",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "io_workers": "1",
    "fsync": "on",  # an acknowledged write survives, on a laptop too
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "autovacuum_naptime": "15s",
}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


class Postgres(Daemon):
    """A server on the loopback; passwords lie in `folder/credentials.json`, mode 0600."""

    name = "postgres"

    def __init__(self, folder: Path, port: int, *, log: Path | None = None) -> None:
        super().__init__(folder, {port: "PostgreSQL"}, log)
        self.port = port
        self._ground: ground.Ground | None = None

    async def make(self) -> Child:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._ground = on = await asyncio.to_thread(ground.under, self.folder)
        if not (on.data / "PG_VERSION").exists():
            await self._init(on)
        elif (made_by := (on.data / "PG_VERSION").read_text().strip()) != (major := ground.major_version()):
            raise LocalCityError(f"{on.data} was made by PostgreSQL {made_by}, this is {major}: wipe both stores with `city reset`")
        settings = [word for key, value in _SETTINGS.items() for word in ("-c", f"{key}={value}")]
        return Child(
            name=self.name,
            argv=(str(on.bin / "postgres"), "-D", str(on.data), "-p", str(self.port), *settings),
            cwd=on.data,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            before=self._end_leftovers,
            user=on.user,
            stop_signal=ground.FAST_SHUTDOWN,
            ready=self.ready,
        )

    async def _init(self, on: ground.Ground) -> None:
        """Made aside and moved in whole: one that was broken off leaves no half of a database."""
        password = self._password(OWNER)
        fresh = on.make_aside()
        entry = fresh.with_name("password")
        on.give(entry, password)
        command = [*on.as_user, str(on.bin / "initdb"), "-D", str(fresh), "-U", OWNER, "--pwfile", str(entry), "-A", "scram-sha-256"]
        command += ["-E", "UTF8", "--locale-provider=builtin", "--locale=C.UTF-8", "--set=max_connections=300", "--set=shared_buffers=64MB"]
        process = await asyncio.create_subprocess_exec(*command, cwd=fresh, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
        try:
            output, _ = await asyncio.wait_for(process.communicate(), 120)
        except BaseException:
            family = descendants(process.pid)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            end(family, patience=0.0)
            raise
        finally:
            entry.unlink()
        if process.returncode != 0:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            self.log.write_bytes(output)
            raise LocalCityError(f"PostgreSQL's folder could not be made: {in_one_line(output.decode(errors='replace'), self.log)}")
        fresh.rename(on.data)

    async def _end_leftovers(self) -> None:
        """What a killed server or launcher left would keep a new one from starting; killing it loses nothing that was committed."""
        if self._ground is not None:
            await asyncio.to_thread(_clear, self._ground.data)

    async def ready(self) -> bool:
        try:
            connection = await asyncpg.connect(self.dsn(), timeout=5)
        except (OSError, TimeoutError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError):
            return False
        try:
            return bool(await connection.fetchval("select true"))
        finally:
            await connection.close()

    def dsn(self, database: str = "postgres", user: str = OWNER) -> str:
        """How `user` reaches `database`, password included: never log it."""
        return f"postgresql://{quote(user)}:{quote(self._password(user), safe='')}@{HOST}:{self.port}/{quote(database)}"

    async def create_database(self, name: str, password: str | None = None) -> str:
        """A database and a role of the same name, closed to every other role; its dsn. Again changes nothing but a given password.

        Without a password one is made and kept.
        """
        if not _NAME.fullmatch(name):
            raise LocalCityError(f"{name!r} is no name for a database: small letters, digits and _ only")
        password = self._password(name, password)
        connection = await asyncpg.connect(self.dsn())
        try:
            exists = await connection.fetchval("select true from pg_roles where rolname = $1", name)
            word = "alter" if exists else "create"
            secret = await connection.fetchval("select quote_literal($1)", password)
            await connection.execute(f'{word} role "{name}" login nosuperuser nocreatedb nocreaterole password {secret}')
            if not await connection.fetchval("select true from pg_database where datname = $1", name):
                await connection.execute(f'create database "{name}" owner "{name}"')
            await connection.execute(f'revoke all on database "{name}" from public')
            await connection.execute("revoke connect on database postgres, template1 from public")
        finally:
            await connection.close()
        return self.dsn(name, name)

    async def drop_database(self, name: str) -> None:
        """For tests: the database goes, connections and all; its role stays."""
        if not _NAME.fullmatch(name):
            raise LocalCityError(f"{name!r} is no name for a database: small letters, digits and _ only")
        connection = await asyncpg.connect(self.dsn())
        try:
            await connection.execute(f'drop database if exists "{name}" with (force)')
        finally:
            await connection.close()

    def _password(self, user: str, given: str | None = None) -> str:
        kept = self.folder / "credentials.json"
        passwords: dict[str, str] = json.loads(kept.read_text()) if kept.exists() else {}
        if user in passwords and given in {None, passwords[user]}:
            return passwords[user]
        passwords[user] = given or secrets.token_urlsafe(24)
        fresh = kept.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(passwords, file)
        fresh.replace(kept)
        return passwords[user]


def _clear(data: Path) -> None:
    """End frozen backends that outlived their server, then forget its number.

    PostgreSQL takes a number that still exists for a running server, be it a zombie that nobody has buried or another program by
    now. The folder's lock is ours and nothing runs in it, so the note is stale.
    """
    end(running_in(data, "postgres"), patience=0.0)
    if not running_in(data, "postgres"):
        (data / "postmaster.pid").unlink(missing_ok=True)
