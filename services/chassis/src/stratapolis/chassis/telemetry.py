"""OpenTelemetry: a span per event, call and statement when a collector is named; the trace context travels either way."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, TraceIdRatioBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_PROPAGATOR = TraceContextTextMapPropagator()
_TRACER = trace.get_tracer("stratapolis")
EXPORT_SECONDS = 3
CLOSE_SECONDS = 1.5
"""How long a stop waits for the collector to take what is left."""


def provider(app: str, instance: str, endpoint: str, share: float = 1.0) -> TracerProvider:
    """The tracer provider of a process; without an endpoint the trace context is made and carried, and nothing recorded.

    `share` of the traces that begin here are recorded; one that began elsewhere is recorded where it was there.
    """
    resource = Resource.create({"service.name": f"city-{app}", "service.instance.id": instance})
    made = TracerProvider(resource=resource, sampler=ParentBased(TraceIdRatioBased(share)) if endpoint else ALWAYS_OFF)
    if endpoint:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - costs an import only where it is used
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

        exporter = OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces", timeout=EXPORT_SECONDS)
        made.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=4096, schedule_delay_millis=1_000))
    trace.set_tracer_provider(made)
    return made


async def close(made: TracerProvider) -> None:
    """Hand in what is left; a collector that is silent is not waited for."""
    ending = threading.Thread(target=made.shutdown, name="last spans", daemon=True)
    ending.start()
    await asyncio.to_thread(ending.join, CLOSE_SECONDS)


def traceparent() -> str:
    """The current trace context as a W3C traceparent; empty when there is none."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent", "")


@contextlib.contextmanager
def span(name: str, parent: str = "", **attributes: Any) -> Iterator[None]:
    """A span around the block, child of the traceparent `parent` if there is one."""
    context: Context | None = _PROPAGATOR.extract({"traceparent": parent}) if parent else None
    with _TRACER.start_as_current_span(name, context=context, attributes=attributes):
        yield


def statement(sql: str) -> contextlib.AbstractContextManager[Any]:
    """A span around a statement of PostgreSQL, where what it belongs to is recorded; its text has no values in it."""
    if not trace.get_current_span().is_recording():
        return contextlib.nullcontext()
    text = " ".join(sql.split())
    attributes = {"db.system.name": "postgresql", "db.query.text": text[:2_000]}
    return _TRACER.start_as_current_span(" ".join(text.split(" ", 3)[:3]), kind=trace.SpanKind.CLIENT, attributes=attributes)
