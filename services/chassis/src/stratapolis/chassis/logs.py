"""Logs: JSON lines on standard output, with the ids of trace and cause."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import orjson
import structlog
from opentelemetry import trace
from stratapolis.chassis import cause


def configure(app: str, instance: str, level: str) -> None:
    """Set logging up for this process; aiokafka's repeated complaints are limited."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _whence,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=lambda event, **_: orjson.dumps(event, default=str).decode()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(app=app, **({"instance": instance} if instance else {}))
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Lines(app))
    handler.addFilter(_Seldom())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def _whence(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        event["trace"] = f"{span.trace_id:032x}"
    because = cause.current()
    if because.causation:
        event["because"] = because.causation
    if because.correlation:
        event["journey"] = because.correlation
    return event


class _Lines(logging.Formatter):
    def __init__(self, app: str) -> None:
        super().__init__()
        self._app = app

    def format(self, record: logging.LogRecord) -> str:
        event = {"app": self._app, "level": record.levelname.lower(), "logger": record.name, "event": record.getMessage()}
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(event).decode()


class _Seldom(logging.Filter):
    """The same line of the same logger once in five seconds."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        place = (record.name, record.lineno)
        if record.created - self._last.get(place, 0.0) < 5:
            return False
        self._last[place] = record.created
        return True
