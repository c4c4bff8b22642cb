"""Agreed metrics that were missed: what is owed for them."""

from datetime import datetime
from decimal import Decimal

from city.policy.v1.events_pb2 import PerformanceFailureRaised, PerformanceFailureWithdrawn
from city.types.v1.types_pb2 import DIRECTION_LOWER_IS_BETTER
from stratapolis.chassis.db import Tx
from stratapolis.chassis.decimals import reading
from stratapolis.chassis.money import to_decimal
from stratapolis.governance import charging


async def on_performance_failure_raised(event: PerformanceFailureRaised, *, tx: Tx, at: datetime) -> None:
    """Charge the penalty in the month in which the missed period ends, or the first open one after it."""
    month = event.period[:7] if len(event.period) > len("2026") else f"{event.period}-12"
    named = f"{event.indicator.code} {event.indicator.measure}".strip()
    side = "at most" if event.direction == DIRECTION_LOWER_IS_BETTER else "at least"
    value, bound = reading(Decimal(event.value), event.unit), reading(Decimal(event.bound), event.unit)
    reason = f"{named} of {event.scope} in {event.period}: {value}, agreed {side} {bound}"
    await charging.penalise(
        tx, event.failure_id, event.party, to_decimal(event.penalty), event.penalty.currency_code, month=month, reason=reason, at=at
    )  # fmt: skip


async def on_performance_failure_withdrawn(event: PerformanceFailureWithdrawn, *, tx: Tx, at: datetime) -> None:
    """Give the penalty back."""
    value = reading(Decimal(event.value), event.unit)
    await charging.forgive(tx, event.failure_id, f"corrected to {value}: what was agreed was kept", at=at)
