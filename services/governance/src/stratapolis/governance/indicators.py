"""Which indicators there are: those that frameworks publish and the city's own; and governance's own look at a proposal."""

from collections.abc import Mapping

from city.manifest.v1.manifest_pb2 import Manifest
from stratapolis.chassis.db import Tx
from stratapolis.governance.codec.indicators import key_of
from stratapolis.governance.domain.indicator import Definition, IndicatorKey
from stratapolis.governance.domain.journey import GOVERNANCE
from stratapolis.governance.domain.step import Reason
from stratapolis.governance.store import indicators as store
from stratapolis.governance.tables.indicators import Indicator, UnknownIndicator, indicator, own


async def unknown_indicators(tx: Tx, manifest: Manifest) -> tuple[Reason, ...]:
    """A reason for each outcome whose indicator is in no catalogue and was not defined by an officer."""
    keys = [key_of(outcome.indicator) for outcome in manifest.spec.outcomes]
    defined = await store.defined(tx, keys)
    return tuple(reason for place, key in enumerate(keys) if key not in defined and (reason := _unknown(place, key)) is not None)


def named(key: IndicatorKey, defined: Mapping[IndicatorKey, tuple[Definition, str]]) -> Indicator:
    """What an indicator is called: by its framework, or by who defined it. Raises UnknownIndicator."""
    name = defined[key][1] if key in defined else ""
    return own(key, name) if name else indicator(key.framework, key.code, key.measure)


def _unknown(place: int, key: IndicatorKey) -> Reason | None:
    try:
        indicator(key.framework, key.code, key.measure)
    except UnknownIndicator as unknown:
        path = f"spec.outcomes[{place}].indicator"
        return Reason(layer=GOVERNANCE, code=UnknownIndicator.reason, field_path=path, message=unknown.message, hint="see ListIndicators")
    return None
