"""Governance's own look at a proposal: each outcome must be bound to an indicator that is known."""

from city.manifest.v1.manifest_pb2 import Manifest
from city.types.v1.types_pb2 import IndicatorKey
from stratapolis.governance.domain.journey import GOVERNANCE
from stratapolis.governance.domain.step import Reason
from stratapolis.governance.tables.indicators import UnknownIndicator, indicator


def unknown_indicators(manifest: Manifest) -> tuple[Reason, ...]:
    """A reason for each outcome whose indicator is in no catalogue."""
    return tuple(reason for place, outcome in enumerate(manifest.spec.outcomes) if (reason := _unknown(place, outcome.indicator)) is not None)


def _unknown(place: int, key: IndicatorKey) -> Reason | None:
    try:
        indicator(key.framework, key.code, key.measure)
    except UnknownIndicator as unknown:
        path = f"spec.outcomes[{place}].indicator"
        return Reason(layer=GOVERNANCE, code=UnknownIndicator.reason, field_path=path, message=unknown.message, hint="see ListIndicators")
    return None
