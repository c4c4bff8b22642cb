"""Errors as a person reads them: one clear line with the reason and what would be right, never a stack trace."""

from __future__ import annotations

import functools
import inspect
import json
import sys
from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass
from typing import Any, ParamSpec

import asyncpg
import grpc
import typer
import uvloop
from aiokafka.errors import KafkaError
from google.rpc.error_details_pb2 import BadRequest  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from stratapolis.chassis.errors import Refused
from stratapolis.chassis.rpc.client import refusal
from stratapolis.chassis.rpc.status import DETAILS_KEY
from stratapolis.cli.local.errors import LocalCityError

HINTS = {
    "UNAVAILABLE": "does the city run? `city status` tells; `city up` starts it",
    "DEADLINE_EXCEEDED": "the layer is busy or frozen: `city status`",
    "ISSUER_AWAY": "does connectivity run, and is this identity still enrolled? `city status`",
    "NO_POLICY": "found the city first: `city init`",
    "CALLER_NOT_ALLOWED": "call as somebody who may: --as NAME",
    "DENIED_BY_POLICY": "call as somebody who may: --as NAME",
    "VALUE_CREATOR_NOT_ACCEPTED": "an officer accepts it: `city creators accept ID`",
    "FEED_SILENT": "Kafka is away, or has just come back: try again in a moment",
}
Given = ParamSpec("Given")


@dataclass(frozen=True, slots=True)
class Said:
    """What is told of an error."""

    reason: str
    message: str
    hint: str = ""
    fields: tuple[tuple[str, str], ...] = ()

    def lines(self) -> list[str]:
        """For people: one line, and one for each field at fault."""
        hint = f" ({self.hint})" if self.hint else ""
        if self.fields:
            return [
                f"refused, {self.reason}: {len(self.fields)} {'faults' if len(self.fields) > 1 else 'fault'}{hint}",
                *(f"  {p}: {t}" for p, t in self.fields),
            ]
        return [f"refused, {self.reason}: {self.message}{hint}" if self.reason else f"{self.message}{hint}"]


def said(error: BaseException) -> Said | None:
    """What an error means to who called; None for one that is a fault of the command."""
    if isinstance(error, grpc.aio.AioRpcError):
        refused = refusal(error)
        return Said(refused.reason, _without_addresses(refused.message, refused.reason), HINTS.get(refused.reason, ""), fields_of(error))
    if isinstance(error, Refused):
        return Said(error.reason, error.message, HINTS.get(error.reason, ""))
    if isinstance(error, LocalCityError):
        return Said("", str(error))
    if isinstance(error, KafkaError):
        return Said("", f"Kafka: {error}", "does the city run? `city status`")
    if isinstance(error, asyncpg.PostgresError):
        return Said("", f"PostgreSQL: {error}")
    if isinstance(error, OSError):
        return Said("", f"{error.filename}: {error.strerror}" if error.filename else str(error))
    return None


def fields_of(error: grpc.aio.AioRpcError) -> tuple[tuple[str, str], ...]:
    """Each field at fault, with what is wrong with it."""
    for name, value in error.trailing_metadata() or ():
        if name == DETAILS_KEY and isinstance(value, bytes):
            for packed in Status.FromString(value).details:
                request = BadRequest()
                if packed.Unpack(request):
                    return tuple((each.field, each.description) for each in request.field_violations)
    return ()


def _without_addresses(message: str, reason: str) -> str:
    """gRPC's own texts for a peer that is away are long and say little."""
    return "nobody answers" if reason == "UNAVAILABLE" else message


def tell(said: Said, *, as_json: bool = False) -> None:
    """On standard error; as JSON where the command's answer would be."""
    if as_json:
        sys.stderr.write(json.dumps({"error": {**asdict(said), "fields": dict(said.fields)}}, ensure_ascii=False) + "\n")
    else:
        sys.stderr.write("".join(f"{line}\n" for line in said.lines()))


def told(command: Callable[Given, Coroutine[Any, Any, None] | None]) -> Callable[Given, None]:
    """A command whose errors are told, with exit code 1; one that is a coroutine is run."""

    @functools.wraps(command)
    def run(*args: Given.args, **kwargs: Given.kwargs) -> None:
        try:
            outcome = command(*args, **kwargs)
            if inspect.iscoroutine(outcome):
                uvloop.run(outcome)
        except (typer.Exit, typer.Abort):
            raise
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        except Exception as error:
            meant = said(error)
            if meant is None:
                raise
            tell(meant, as_json=bool(kwargs.get("as_json")))
            raise typer.Exit(1) from None

    return run
