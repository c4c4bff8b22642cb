"""What a servicer gets with a request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn, TypeVar, cast

from stratapolis.chassis.db import Database, Tx
from stratapolis.chassis.identity import Caller

Work = TypeVar("Work", bound=Callable[..., Any])


def leaves_account(work: Work) -> Work:
    """Mark a servicer's read as one that writes down who was shown what: its transaction may write."""
    work.leaves_account = True  # type: ignore[attr-defined]
    return work


class _Absent:
    """In place of what a kind of call does not have."""

    def __init__(self, why: str) -> None:
        self._why = why

    def __getattr__(self, name: str) -> NoReturn:
        raise RuntimeError(self._why)


_NO_TX = cast("Tx", _Absent("a server stream has no transaction open: use call.db"))
_NO_DB = cast("Database", _Absent("a unary call has its one transaction: use call.tx"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call. `owners`: whose rows it may see or change; None: every owner's. `tx` is there for unary calls, `db` for streams.

    `at` is the database's time: of the transaction, or of the beginning of a stream.
    """

    caller: Caller
    at: datetime
    owners: tuple[str, ...] | None
    tx: Tx = _NO_TX
    db: Database = _NO_DB
