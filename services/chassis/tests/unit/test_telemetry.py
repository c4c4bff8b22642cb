"""Traces: what is recorded, what is carried either way, and a stop that waits for no collector."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY
from stratapolis.chassis import contract, logs, telemetry
from stratapolis.chassis import metrics as catalogue
from stratapolis.chassis.cause import Cause, because


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """A tracer whose spans are kept here."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "_TRACER", provider.get_tracer("test"))
    yield exporter
    provider.shutdown()


def test_what_is_done_because_of_an_event_is_below_who_said_it(recorded: InMemorySpanExporter) -> None:
    with telemetry.span("say"):
        carried = telemetry.traceparent()
    with telemetry.span("hear", carried):
        pass
    said, heard = recorded.get_finished_spans()
    assert heard.parent is not None and said.context is not None and heard.context is not None
    assert (heard.parent.span_id, heard.context.trace_id) == (said.context.span_id, said.context.trace_id)


def test_a_statement_is_recorded_where_its_cause_is_and_nowhere_else(recorded: InMemorySpanExporter) -> None:
    with telemetry.statement("select 1"):
        pass
    assert recorded.get_finished_spans() == ()
    with telemetry.span("hear"), telemetry.statement("  insert   into hold\n (a) values ($1)"):
        pass
    statement, _ = recorded.get_finished_spans()
    assert statement.name == "insert into hold" and statement.attributes is not None
    assert statement.attributes["db.query.text"] == "insert into hold (a) values ($1)"


async def test_a_stop_does_not_wait_for_a_collector_that_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    class Silent:
        def shutdown(self) -> None:
            answered.wait(60)

    monkeypatch.setattr(telemetry, "CLOSE_SECONDS", 0.01)
    async with asyncio.timeout(10):
        await telemetry.close(Silent())  # type: ignore[arg-type]
    assert not answered.is_set()
    answered.set()


def test_a_log_line_says_of_which_trace_cause_and_journey_it_is(recorded: InMemorySpanExporter) -> None:
    with because(Cause(correlation="journey-1", causation="event-1")), telemetry.span("hear"):
        line = logs._whence(None, "", {"event": "done"})
    (span,) = recorded.get_finished_spans()
    assert span.context is not None
    assert line == {"event": "done", "trace": f"{span.context.trace_id:032x}", "because": "event-1", "journey": "journey-1"}
    assert logs._whence(None, "", {"event": "idle"}) == {"event": "idle"}


def test_every_metric_of_every_app_is_in_the_catalogue() -> None:
    for layer in contract.layers():
        import_module(f"stratapolis.{layer}.wiring")
    known: set[Any] = {id(metric) for metric in vars(catalogue).values()}
    ours = {id(metric): name for metric, names in REGISTRY._collector_to_names.items() for name in names if name.startswith("city_")}
    assert ours and {name for key, name in ours.items() if key not in known} == set()
