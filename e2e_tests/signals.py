"""Which app emits which signal, and who does something because of whom: the one table that the telemetry is held against.

It is for a launch of a service with software. A new edge between apps, a new event in a journey, a new metric: a line here.
"""

from __future__ import annotations

STAGE, ENDED, TRUSTED = (f"hear city.{name}" for name in ("governance.v1.StageRequested", "governance.v1.JourneyEnded", "connectivity.v1.ConnectionTrusted"))
HOLDERS = frozenset({"policy", "data", "connectivity", "infrastructure", "value_catalog"})

SPANS: dict[str, set[str]] = {
    "governance": {"city.governance.v1.JourneyService.ProposeService", "hear city.journey.v1.StageAnswered"},
    "policy": {STAGE, ENDED},
    "data": {STAGE, ENDED, TRUSTED},
    "connectivity": {STAGE, ENDED},
    "infrastructure": {STAGE, ENDED, "answer later"},
    "value_catalog": {STAGE, ENDED, TRUSTED},
    "innovation": {STAGE, ENDED, "hear city.value_catalog.v1.ServicePublished"},
}
"""What each app does in the trace of a journey, statements left out."""

EDGES: set[tuple[str, str]] = {
    *(("governance", app) for app in (*HOLDERS, "innovation")),
    *((app, "governance") for app in HOLDERS),
    ("connectivity", "data"),
    ("connectivity", "value_catalog"),
    ("value_catalog", "innovation"),
}
"""Who does something in a journey because of whom. Innovation hears all of it and is asked at retirements alone."""

COMMON = {
    "city_batch_seconds", "city_dead_letters_open", "city_events_applied", "city_events_skipped", "city_hop_seconds", "city_job_seconds", "city_lag",
    "city_outbox_age_seconds", "city_pool_wait_seconds", "city_rpc", "city_rpc_seconds",
}  # fmt: skip
METRICS: dict[str, set[str]] = {
    "governance": COMMON | {"city_relay_batch"},
    **{app: COMMON | {"city_relay_batch", "city_holds_stale"} for app in HOLDERS},
    "innovation": COMMON,
}
"""Metrics that each app shows once a journey has passed, without the suffixes of counters. What has not happened yet has no sample."""
