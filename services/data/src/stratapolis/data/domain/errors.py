"""What data refuses, named after the refused fact; each `reason` is a name of the contract's ErrorReason.

What units and properties refuse is beside their tables.
"""

from datetime import datetime

from stratapolis.chassis.errors import Kind, Refused


class ProductNotFound(Refused):
    """There is no such product, or it is a draft of another owner: nobody can tell which."""

    reason = "PRODUCT_NOT_FOUND"
    kind = Kind.NOT_FOUND

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no data product {name!r}", product=name)


class ProductExists(Refused):
    """The name is taken."""

    reason = "PRODUCT_EXISTS"
    kind = Kind.EXISTS

    def __init__(self, name: str) -> None:
        super().__init__(f"a data product is called {name!r} already; choose another name", product=name)


class ProductNotPublished(Refused):
    """A draft cannot be used."""

    reason = "PRODUCT_NOT_PUBLISHED"

    def __init__(self, name: str) -> None:
        super().__init__(f"the data product {name!r} is a draft; publish it first", product=name)


class ConsentNotAvailable(Refused):
    """Data about persons need their consent, which the city cannot take yet."""

    reason = "CONSENT_NOT_AVAILABLE"

    def __init__(self, name: str) -> None:
        super().__init__("personal data need consents, which the city cannot take yet; offer aggregates as an open or shared product", product=name)


class UnknownZone(Refused):
    """The IANA database has no such zone."""

    reason = "UNKNOWN_ZONE"
    kind = Kind.INVALID

    def __init__(self, zone: str) -> None:
        super().__init__(f"{zone!r} is no time zone of the IANA database; `Europe/Berlin` is one", zone=zone)


class NotADecimal(Refused):
    """The text is no decimal number."""

    reason = "VALUE_NOT_MEASURABLE"
    kind = Kind.INVALID

    def __init__(self, text: str) -> None:
        super().__init__(f"{text[:80]!r} is no finite decimal number such as -12.5")


class OutOfRange(Refused):
    """Observed too late, too early, or at no time at all."""

    reason = "OUT_OF_RANGE"
    kind = Kind.INVALID

    def __init__(self, earliest: datetime, latest: datetime) -> None:
        super().__init__(f"observed_time must lie from {earliest:%Y-%m-%dT%H:%M:%SZ} to an hour from now, {latest:%Y-%m-%dT%H:%M:%SZ}")


class ThingMissing(Refused):
    """An observation is some thing's."""

    reason = "THING_MISSING"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("thing must be an id of 1 to 64 characters without control characters")


class PlaceNotOnEarth(Refused):
    """Latitude or longitude is beyond its range, or no number."""

    reason = "PLACE_NOT_ON_EARTH"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("latitude must lie from -90 to 90 degrees, longitude from -180 to 180; are they swapped?")


class UnknownProduct(Refused):
    """A use names a product that is not in the catalogue."""

    reason = "UNKNOWN_PRODUCT"
    kind = Kind.NOT_FOUND

    def __init__(self, name: str) -> None:
        super().__init__(f"no data product {name!r} is published", field="product", hint="SearchDataProducts lists what there is")


class PurposeMissing(Refused):
    """Nobody said what the data are for."""

    reason = "PURPOSE_MISSING"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("say what the data are used for", field="purpose", hint="one sentence that the people concerned understand")


class PurposeNotGranted(Refused):
    """The data were granted for something else."""

    reason = "PURPOSE_NOT_GRANTED"
    kind = Kind.DENIED

    def __init__(self, purpose: str) -> None:
        super().__init__(f"no contract of the service is for the purpose {purpose!r}; ListContracts shows for which there is one")


class EndBeforeStart(Refused):
    """A use ends before it begins."""

    reason = "END_BEFORE_START"
    kind = Kind.INVALID

    def __init__(self, start: str, end: str) -> None:
        super().__init__(f"the use ends on {end}, which is not after its start, {start}", field="end", hint="an end is the first day without the data")


class EndPassed(Refused):
    """A use is over before it is granted."""

    reason = "END_PASSED"
    kind = Kind.INVALID

    def __init__(self, end: str) -> None:
        super().__init__(f"the use ended on {end}", field="end", hint="take a day in the future")


class NoSuchDate(Refused):
    """The calendar has no such day."""

    reason = "NO_SUCH_DATE"
    kind = Kind.INVALID

    def __init__(self, field: str, text: str) -> None:
        super().__init__(f"{text!r} is no date", field=field, hint="year-month-day, such as 2026-01-31")


class UseDoubled(Refused):
    """A manifest names one product for one purpose twice."""

    reason = "USE_DOUBLED"
    kind = Kind.INVALID

    def __init__(self, product: str) -> None:
        super().__init__(f"{product!r} is used twice for the same purpose", field="product", hint="leave one of the two out")


class ContractRefused(Refused):
    """The product's owner shares it with others only."""

    reason = "CONTRACT_REFUSED"
    kind = Kind.DENIED

    def __init__(self, product: str) -> None:
        super().__init__(f"{product!r} is shared with named value creators only", field="product", hint="ask its owner to be among the product's consumers")


class ContractMissing(Refused):
    """A shared product is read under a contract, by a service's own identity."""

    reason = "CONTRACT_MISSING"
    kind = Kind.DENIED

    def __init__(self, product: str) -> None:
        super().__init__(f"{product!r} is shared: a service reads it with its own identity, under a contract", product=product)


class ContractNotGranted(Refused):
    """The contract does not hold yet."""

    reason = "CONTRACT_NOT_GRANTED"

    def __init__(self, contract_id: str) -> None:
        super().__init__("the contract is not granted, or has not started, yet; try again later", contract_id=contract_id)


class ContractEnded(Refused):
    """The contract holds no longer."""

    reason = "CONTRACT_ENDED"
    kind = Kind.DENIED

    def __init__(self, product: str, *, cursor: str = "") -> None:
        super().__init__(f"the contract for {product!r} has ended", product=product, **({"cursor": cursor} if cursor else {}))


class ContractNotFound(Refused):
    """There is no such contract, or it is another owner's: nobody can tell which."""

    reason = "CONTRACT_NOT_FOUND"
    kind = Kind.NOT_FOUND

    def __init__(self, contract_id: str) -> None:
        super().__init__(f"there is no contract {contract_id!r}", contract_id=contract_id)


class ContractExists(Refused):
    """The service has it already."""

    reason = "CONTRACT_EXISTS"
    kind = Kind.EXISTS

    def __init__(self, contract_id: str) -> None:
        super().__init__("the service has a contract for this product and purpose already", contract_id=contract_id)


class ServiceNotFound(Refused):
    """There is no such live service, or it is another owner's: nobody can tell which."""

    reason = "SERVICE_NOT_FOUND"
    kind = Kind.NOT_FOUND

    def __init__(self, service_id: str) -> None:
        super().__init__(f"there is no live service {service_id!r}", service_id=service_id)


class ConnectionNotTrusted(Refused):
    """The service's connection to data is not trusted, yet or any more."""

    reason = "CONNECTION_NOT_TRUSTED"

    def __init__(self) -> None:
        super().__init__("the service's connection to data is not trusted; a new service tries again until its journey has connected it")


class FeedExists(Refused):
    """An indicator has one feed."""

    reason = "FEED_EXISTS"
    kind = Kind.EXISTS

    def __init__(self, product: str) -> None:
        super().__init__(f"the indicator is fed by the product {product!r} already", product=product)


class PropertyNotInProduct(Refused):
    """The product does not have the property."""

    reason = "PROPERTY_NOT_IN_PRODUCT"
    kind = Kind.INVALID

    def __init__(self, name: str, properties: tuple[str, ...]) -> None:
        super().__init__(f"the product has no property {name!r}; it has {', '.join(properties)}", property=name)


class RangeTooLong(Refused):
    """More windows than one call gives."""

    reason = "RANGE_TOO_LONG"
    kind = Kind.INVALID

    def __init__(self, most: int) -> None:
        super().__init__(f"at most {most} days at once for this window; ask for less, or for days instead of hours")


class CursorExpired(Refused):
    """Arrivals so long ago are forgotten."""

    reason = "CURSOR_EXPIRED"

    def __init__(self) -> None:
        super().__init__("the cursor is older than arrivals are kept; read what was missed with QueryObservations, then begin without a cursor")
