"""What the platform measures itself by, from its own records: what happened on a day comes to, never added to, always counted again."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from stratapolis.governance.domain.indicator import CITY, IndicatorKey

REQUESTS_CLOSED_ON_TIME = "requests_closed_on_time"
USES = "uses"
TIME_TO_ONBOARD = "time_to_onboard"
PROPOSALS_LIVE_SHARE = "proposals_live_share"
PLATFORM = frozenset(IndicatorKey(CITY, code) for code in (REQUESTS_CLOSED_ON_TIME, USES, TIME_TO_ONBOARD, PROPOSALS_LIVE_SHARE))
PLACES = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A day of one service, or of the city where `service_id` is empty: a share is `part` of `count`, anything else is `part` itself."""

    service_id: str
    part: Decimal
    count: int

    @property
    def scope(self) -> str:
        """The scope of the value."""
        return f"service:{self.service_id}" if self.service_id else CITY


def value_of(code: str, counted: Counted) -> Decimal:
    """What a day comes to, in the indicator's unit; a share in percent, half-even to 9 places. Nothing counted is no value: ask only where there is some."""
    if code in (REQUESTS_CLOSED_ON_TIME, PROPOSALS_LIVE_SHARE):
        return Decimal(round(Fraction(counted.part) * 100 * 10**PLACES / counted.count)).scaleb(-PLACES)
    return counted.part
