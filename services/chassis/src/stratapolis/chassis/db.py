"""PostgreSQL: a bounded pool, and transactions that know their time and wake the relay."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Protocol, Self

import asyncpg
import orjson
from stratapolis.chassis import metrics
from stratapolis.chassis.telemetry import statement

ACQUIRE_SECONDS = 2.0
COMMAND_SECONDS = 5.0
CLOSE_SECONDS = 3.0
SERVER_SETTINGS = {
    "statement_timeout": "5000",
    "lock_timeout": "4000",
    "idle_in_transaction_session_timeout": "30000",
    "timezone": "UTC",
    "jit": "off",
    "enable_seqscan": "off",  # a plan made and kept while a table was empty would read all of it once it is large
}
TRANSIENT = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection was given out in the moment in which the server ended it
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
)
"""Failures of the database that go away by themselves: retried, never a dead letter."""


class Row(Protocol):
    """A row: by column name, or by position."""

    def __getitem__(self, key: str | int) -> Any: ...
    def get(self, key: str, default: Any = None) -> Any: ...


class Tx:
    """One open transaction of the app `writer`. `at` is its time in the database; `said` turns true when what waited for its end was written."""

    __slots__ = ("_at_end", "_connection", "_end", "at", "said", "writer")

    def __init__(self, connection: Any, at: datetime, writer: str) -> None:
        self._connection = connection
        self.at = at
        self.writer = writer
        self.said = False
        self._at_end: list[Any] = []
        self._end: AtEnd | None = None

    async def execute(self, sql: str, *args: object) -> str:
        """Run a statement; returns PostgreSQL's command tag, such as `UPDATE 3`."""
        with statement(sql):
            return str(await self._connection.execute(sql, *args))

    async def executemany(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run a statement once for each row, in one round trip."""
        with statement(sql):
            await self._connection.executemany(sql, rows)

    async def fetch(self, sql: str, *args: object) -> list[Row]:
        """All rows of a query."""
        with statement(sql):
            return list(await self._connection.fetch(sql, *args))

    async def row(self, sql: str, *args: object) -> Row | None:
        """The first row, or None."""
        with statement(sql):
            found: Row | None = await self._connection.fetchrow(sql, *args)
            return found

    async def value(self, sql: str, *args: object) -> Any:
        """The first column of the first row, or None."""
        with statement(sql):
            return await self._connection.fetchval(sql, *args)

    async def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """COPY rows into a table."""
        with statement(f"copy {table}"):
            await self._connection.copy_records_to_table(table, columns=list(columns), records=rows)

    def at_end(self, write: AtEnd, item: object) -> None:
        """Have `write` get the item, with all others, as the last thing before the commit; what a savepoint undoes it does not get."""
        self._end = write
        self._at_end.append(item)

    async def end(self) -> None:
        """Write what waits for the end. The commit does it by itself; who must know before it that nothing is left to fail asks for it."""
        if self._end is not None and self._at_end:
            waiting, self._at_end = self._at_end, []
            await self._end(self, waiting)
            self.said = True

    @contextlib.asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """What fails inside is undone alone."""
        before = len(self._at_end)
        try:
            async with self._connection.transaction():
                yield
        except BaseException:
            del self._at_end[before:]
            raise


AtEnd = Callable[[Tx, Sequence[Any]], Awaitable[None]]


class Database:
    """A pool of connections to the database of the app `name`; `async with` opens and closes it, both bounded."""

    def __init__(self, dsn: str, *, name: str, size: int = 8) -> None:
        self._dsn, self._size, self.name = dsn, size, name
        self._pool: Any = None
        self.on_said: Callable[[], None] = lambda: None

    async def __aenter__(self) -> Self:
        self._pool = await asyncpg.create_pool(
            self._dsn,
            min_size=1,
            max_size=self._size,
            timeout=5,
            command_timeout=COMMAND_SECONDS,
            init=_codecs,
            reset=_nothing,
            server_settings={**SERVER_SETTINGS, "application_name": self.name},
        )
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    @contextlib.asynccontextmanager
    async def transaction(self, *, readonly: bool = False) -> AsyncIterator[Tx]:
        """One transaction, committed at the end of the block; wakes the relay when something was said in it."""
        asked = time.monotonic()
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection, connection.transaction(readonly=readonly):
            metrics.POOL_WAIT.labels(self.name).observe(time.monotonic() - asked)
            tx = Tx(connection, await connection.fetchval("select now()"), self.name)
            yield tx
            await tx.end()
        if tx.said:
            self.on_said()

    @contextlib.asynccontextmanager
    async def direct(self) -> AsyncIterator[Any]:
        """A connection of its own outside the pool, for session locks and LISTEN; closed at the end of the block."""
        connection = await asyncpg.connect(
            self._dsn, timeout=5, command_timeout=COMMAND_SECONDS, server_settings={**SERVER_SETTINGS, "application_name": f"{self.name}-direct"}
        )
        try:
            await _codecs(connection)
            yield connection
        finally:
            try:
                await connection.close(timeout=2)
            except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                connection.terminate()


async def _nothing(connection: Any) -> None:
    """No session state is ever set, so there is nothing to reset: asyncpg's own query costs 40 % of a small one."""


async def _codecs(connection: Any) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=lambda v: b"\x01" + orjson.dumps(v), decoder=lambda b: orjson.loads(b[1:]), format="binary"
    )
