"""OpenTelemetry: a span per event, call and job when a collector is named; the trace context travels either way."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, DEFAULT_ON
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_PROPAGATOR = TraceContextTextMapPropagator()
_TRACER = trace.get_tracer("stratapolis")


def provider(app: str, instance: str, endpoint: str) -> TracerProvider:
    """The tracer provider of a process; without an endpoint the trace context is made and carried, and nothing recorded."""
    resource = Resource.create({"service.name": f"city-{app}", "service.instance.id": instance})
    made = TracerProvider(resource=resource, sampler=DEFAULT_ON if endpoint else ALWAYS_OFF)
    if endpoint:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - costs an import only where it is used
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

        made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces", timeout=3), max_queue_size=4096))
    trace.set_tracer_provider(made)
    return made


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
