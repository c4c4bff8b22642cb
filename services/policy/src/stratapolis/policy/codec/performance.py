"""Agreed metrics and failures on the wire."""

from collections.abc import Iterable
from decimal import Decimal

from city.policy.v1 import agreement_pb2 as pb
from city.policy.v1.events_pb2 import PerformanceFailureRaised, PerformanceFailureWithdrawn
from city.types.v1.types_pb2 import DIRECTION_HIGHER_IS_BETTER, DIRECTION_LOWER_IS_BETTER, Direction, IndicatorKey
from stratapolis.chassis.decimals import plain
from stratapolis.chassis.money import to_decimal, to_money
from stratapolis.chassis.times import to_timestamp
from stratapolis.policy.domain.errors import MetricNotValid
from stratapolis.policy.domain.performance import CITY, Failure, Metric, Reading


def metrics_of(messages: Iterable[pb.AgreedMetric], currency: str) -> tuple[Metric, ...]:
    """Metrics from the wire; raises MetricNotValid for a penalty in another currency than the agreement's."""
    return tuple(_metric_of(number, message, currency) for number, message in enumerate(messages))


def metric(of: Metric, currency: str) -> pb.AgreedMetric:
    """A metric for the wire."""
    return pb.AgreedMetric(
        indicator=_indicator(of), scope=of.scope, direction=_direction(of), bound=plain(of.bound), party=of.party, penalty=to_money(of.penalty, currency)
    )


def failure(of: Failure) -> pb.PerformanceFailure:
    """A failure as its RPC shows it."""
    return pb.PerformanceFailure(
        failure_id=of.failure_id,
        agreement_id=of.reading.agreement_id,
        metric=metric(of.reading.metric, of.reading.currency),
        period=of.reading.period,
        revision=of.reading.revision,
        value=plain(of.reading.value),
        unit=of.reading.unit,
        raise_time=to_timestamp(of.raised_at),
        withdraw_time=to_timestamp(of.withdrawn_at) if of.withdrawn_at else None,
    )


def raised(of: Failure) -> PerformanceFailureRaised:
    """Said when a metric was missed."""
    reading, promise = of.reading, of.reading.metric
    return PerformanceFailureRaised(
        failure_id=of.failure_id,
        agreement_id=reading.agreement_id,
        indicator=_indicator(promise),
        scope=promise.scope,
        period=reading.period,
        revision=reading.revision,
        value=plain(reading.value),
        bound=plain(promise.bound),
        unit=reading.unit,
        direction=_direction(promise),
        party=promise.party,
        penalty=to_money(promise.penalty, reading.currency),
    )


def withdrawn(reading: Reading) -> PerformanceFailureWithdrawn:
    """Said when a corrected value keeps the promise."""
    return PerformanceFailureWithdrawn(
        failure_id=reading.failure_id or "", agreement_id=reading.agreement_id, revision=reading.revision, value=plain(reading.value), unit=reading.unit
    )


def _metric_of(number: int, message: pb.AgreedMetric, currency: str) -> Metric:
    if message.penalty.currency_code != currency:
        raise MetricNotValid(number, "penalty", f"must be in {currency}, as all amounts of the agreement")
    return Metric(
        framework=message.indicator.framework,
        code=message.indicator.code,
        measure=message.indicator.measure,
        scope=message.scope or CITY,
        lower_is_better=message.direction == DIRECTION_LOWER_IS_BETTER,
        bound=Decimal(message.bound),
        party=message.party,
        penalty=to_decimal(message.penalty),
    )


def _indicator(of: Metric) -> IndicatorKey:
    return IndicatorKey(framework=of.framework, code=of.code, measure=of.measure)


def _direction(of: Metric) -> Direction.ValueType:
    return DIRECTION_LOWER_IS_BETTER if of.lower_is_better else DIRECTION_HIGHER_IS_BETTER
