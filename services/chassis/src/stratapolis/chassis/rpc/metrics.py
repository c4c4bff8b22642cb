"""Metrics of calls."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

RPC_TOTAL = Counter("city_rpc_total", "Calls answered, by status code.", ["app", "rpc", "code"])
RPC_SECONDS = Histogram(
    "city_rpc_seconds", "Time of a unary call in the app.", ["app", "rpc"], buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 60)
)
RPC_UNEXPECTED = Counter("city_rpc_unexpected_total", "Exceptions nobody expected: faults of the app.", ["app", "rpc"])
RPC_AGAIN = Counter("city_rpc_again_total", "Transactions run again after a deadlock or a serialisation failure.", ["app", "rpc"])
STREAMS_OPEN = Gauge("city_rpc_streams_open", "Server streams open.", ["app"])
