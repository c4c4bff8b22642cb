"""The page of metrics, from their catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prometheus_client import Counter, Gauge, Histogram
from stratapolis.chassis import metrics

from infra.documents.pages import MADE

KINDS: dict[type[Any], str] = {Counter: "counter", Gauge: "gauge", Histogram: "histogram"}
"""What a metric may be."""


def page() -> str:
    """Every metric: what it is called, its kind, its labels, what it says."""
    head = "# Metrics\n\nWhat every process shows at `/metrics`, in the Prometheus format. A metric that is not here is not measured.\n\n"
    rows = "\n".join(f"| `{name}` | {kind} | {labels} | {text} |" for name, kind, labels, text in sorted(catalogue()))
    return f"{MADE}{head}| metric | kind | labels | |\n|---|---|---|---|\n{rows}\n"


def catalogue() -> Iterator[tuple[str, str, str, str]]:
    """Name, kind, labels and text of every metric."""
    for metric in vars(metrics).values():
        if (kind := KINDS.get(type(metric))) is not None:
            (family,) = metric.describe()
            name = f"{family.name}_total" if kind == "counter" else family.name
            yield name, kind, ", ".join(f"`{label}`" for label in metric._labelnames), family.documentation  # noqa: SLF001 - the library shows them nowhere
