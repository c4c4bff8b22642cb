"""The catalogue of all metrics, one comment each: the help text. docs/contract/metrics.md is made from it; what is not here is not measured."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

EVENTS_APPLIED = Counter("city_events_applied_total", "Events whose effect was committed.", ["app", "topic"])
EVENTS_DOUBLE = Counter("city_events_double_total", "Events that had been applied before and were dropped.", ["app", "topic"])
EVENTS_SKIPPED = Counter("city_events_skipped_total", "Events of a type that this app does not hear.", ["app", "topic"])
EVENTS_WAITING = Counter("city_events_waiting_total", "Events put aside behind a dead letter of their key.", ["app", "topic"])
EVENTS_GAP = Counter("city_events_gap_total", "Gaps in a key's sequence: something is missing on the topic.", ["app", "topic"])
DEAD_LETTERS = Counter("city_dead_letters_total", "Events that became dead letters.", ["app", "topic"])
OFFSETS_MISSING = Counter("city_offsets_missing_total", "Offsets that were gone before they were read, by retention.", ["app", "topic"])
TOPICS_REMADE = Counter(
    "city_topics_remade_total", "Topics found deleted and made again, or shorter than they were; they are read and said from their beginning.", ["app", "topic"]
)
RAW_APPLIED = Counter("city_raw_applied_total", "Records of raw streams handed to their handler.", ["app", "topic"])
BATCH_SECONDS = Histogram("city_batch_seconds", "Time to apply one batch of events, commit included.", ["app"])
LAG = Gauge("city_lag", "Events and records on a topic's assigned partitions that are still to be applied.", ["app", "topic"])
HOP_SECONDS = Histogram(
    "city_hop_seconds", "From the writer's transaction to the commit of its effect here, for the newest event of each batch.", ["app"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 60),
)  # fmt: skip
RELAY_BATCH = Histogram("city_relay_batch", "Events the relay published at once.", ["app"], buckets=(1, 2, 5, 10, 50, 100, 500, 1000))
RELAY_FAILED = Counter("city_relay_failed_total", "Events the broker did not acknowledge; they are sent again.", ["app"])
OUTBOX_AGE = Gauge("city_outbox_age_seconds", "Age of the oldest event not yet published.", ["app"])
PAUSED = Gauge("city_topic_paused", "1 while a topic is paused, since its events became dead letters one after another.", ["app", "topic"])
DEAD_OPEN = Gauge("city_dead_letters_open", "Dead letters nobody has ended yet.", ["app"])
HOLDS_STALE = Gauge("city_holds_stale", "Holds past the deadline of the stage that asked for them.", ["app"])
JOB_SECONDS = Histogram("city_job_seconds", "Time of one run of a job.", ["app", "job"])
JOB_FAILED = Counter("city_job_failed_total", "Runs of a job that failed.", ["app", "job"])
POOL_WAIT = Histogram(
    "city_pool_wait_seconds", "Wait for a connection to the database, the begin of its transaction included.", ["app"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5),
)  # fmt: skip
RPC_TOTAL = Counter("city_rpc_total", "Calls answered, by status code.", ["app", "rpc", "code"])
RPC_SECONDS = Histogram(
    "city_rpc_seconds", "Time of a unary call in the app.", ["app", "rpc"], buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 60)
)
RPC_UNEXPECTED = Counter("city_rpc_unexpected_total", "Exceptions nobody expected: faults of the app.", ["app", "rpc"])
RPC_AGAIN = Counter("city_rpc_again_total", "Transactions run again after a deadlock or a serialisation failure.", ["app", "rpc"])
STREAMS_OPEN = Gauge("city_rpc_streams_open", "Server streams open.", ["app"])
