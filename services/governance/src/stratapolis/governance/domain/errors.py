"""What governance refuses, named after the refused fact; each `reason` is a name of the contract's ErrorReason."""

from stratapolis.chassis.errors import Kind, Refused


class ValueCreatorNotFound(Refused):
    """There is no such value creator, or it is another's: nobody can tell which."""

    reason = "VALUE_CREATOR_NOT_FOUND"
    kind = Kind.NOT_FOUND

    def __init__(self, creator_id: str) -> None:
        super().__init__(f"there is no value creator {creator_id}", creator_id=creator_id)


class ValueCreatorNameTaken(Refused):
    """Another value creator goes by this name."""

    reason = "VALUE_CREATOR_NAME_TAKEN"
    kind = Kind.EXISTS

    def __init__(self, name: str) -> None:
        super().__init__(f"another value creator is called {name!r}; choose a name that tells you apart", name=name)


class ValueCreatorNotInState(Refused):
    """The value creator's state does not allow what was asked."""

    reason = "VALUE_CREATOR_NOT_IN_STATE"

    def __init__(self, creator_id: str, state: str, wanted: str) -> None:
        super().__init__(f"the value creator is {state}; this needs one that is {wanted}", creator_id=creator_id, state=state)


class AlreadyAMember(Refused):
    """An identity acts for one value creator only."""

    reason = "ALREADY_A_MEMBER"
    kind = Kind.EXISTS

    def __init__(self, subject: str) -> None:
        super().__init__(f"{subject} is a member of a value creator already; an identity acts for one only", subject=subject)


class NotAMember(Refused):
    """The subject is no member of the value creator, or of none."""

    reason = "NOT_A_MEMBER"

    def __init__(self, subject: str) -> None:
        super().__init__(f"{subject} is no member of a value creator: register one, or be added by an admin of one", subject=subject)


class NotAnAdmin(Refused):
    """Only an admin of the value creator may do this."""

    reason = "NOT_AN_ADMIN"
    kind = Kind.DENIED

    def __init__(self, subject: str, doing: str = "change its members") -> None:
        super().__init__(f"only an admin of the value creator may {doing}", subject=subject)


class LastAdmin(Refused):
    """A value creator keeps at least one admin."""

    reason = "LAST_ADMIN"

    def __init__(self, subject: str) -> None:
        super().__init__(f"{subject} is the last admin; make another member an admin first", subject=subject)


class TooManyMembers(Refused):
    """The value creator has as many members as it may."""

    reason = "TOO_MANY_MEMBERS"
    kind = Kind.EXHAUSTED

    def __init__(self, limit: int) -> None:
        super().__init__(f"a value creator has {limit} members at most; remove one first", limit=str(limit))


class ValueCreatorNotAccepted(Refused):
    """The value creator may propose nothing."""

    reason = "VALUE_CREATOR_NOT_ACCEPTED"

    def __init__(self, creator_id: str, state: str) -> None:
        super().__init__(f"the value creator is {state}; only an accepted one proposes services", creator_id=creator_id, state=state)


class JourneyNotFound(Refused):
    """There is no such journey, or it is another's: nobody can tell which."""

    reason = "JOURNEY_NOT_FOUND"
    kind = Kind.NOT_FOUND

    def __init__(self, journey_id: str) -> None:
        super().__init__(f"there is no journey {journey_id}", journey_id=journey_id)


class JourneyInProgress(Refused):
    """The service has an open journey already."""

    reason = "JOURNEY_IN_PROGRESS"
    kind = Kind.EXISTS

    def __init__(self, name: str, journey_id: str) -> None:
        super().__init__(f"service {name!r} has an open journey, {journey_id}: wait for its end or withdraw it", journey_id=journey_id)


class JourneyHasEnded(Refused):
    """The journey's end is final."""

    reason = "JOURNEY_ENDED"

    def __init__(self, journey_id: str, state: str) -> None:
        super().__init__(f"journey {journey_id} has ended: {state}", journey_id=journey_id, state=state)


class JourneyNotDeciding(Refused):
    """The journey does not wait for an officer."""

    reason = "JOURNEY_NOT_DECIDING"

    def __init__(self, journey_id: str, state: str) -> None:
        super().__init__(f"journey {journey_id} is {state}; an officer decides only on one that is deciding", journey_id=journey_id, state=state)


class ChargeNotFound(Refused):
    """There is no such charge, or it is another's: nobody can tell which."""

    reason = "CHARGE_NOT_FOUND"
    kind = Kind.NOT_FOUND

    def __init__(self, charge_id: str) -> None:
        super().__init__(f"there is no charge {charge_id}", charge_id=charge_id)


class ChargeAlreadyReversed(Refused):
    """A charge is reversed once."""

    reason = "CHARGE_ALREADY_REVERSED"

    def __init__(self, charge_id: str) -> None:
        super().__init__(f"charge {charge_id} was reversed already", charge_id=charge_id)


class ChargeNotReversible(Refused):
    """Only a use or a fee is reversed, not what corrects one."""

    reason = "CHARGE_NOT_REVERSIBLE"

    def __init__(self, charge_id: str, kind: str) -> None:
        super().__init__(f"charge {charge_id} is a {kind}; only uses and fees are reversed", charge_id=charge_id, kind=kind)


class PeriodNotOver(Refused):
    """A period is settled when late uses have had their time."""

    reason = "PERIOD_NOT_OVER"

    def __init__(self, period: str, earliest: str) -> None:
        super().__init__(f"period {period} may be settled from {earliest} on", period=period, earliest=earliest)


class PeriodClosed(Refused):
    """A closed period is never opened again."""

    reason = "PERIOD_CLOSED"

    def __init__(self, period: str) -> None:
        super().__init__(f"period {period} is settled and closed", period=period)


class StatementNotFound(Refused):
    """There is no such statement, or it is another's: nobody can tell which."""

    reason = "STATEMENT_NOT_FOUND"
    kind = Kind.NOT_FOUND

    def __init__(self, statement_id: str) -> None:
        super().__init__(f"there is no statement {statement_id}", statement_id=statement_id)


class IndicatorExists(Refused):
    """An indicator is defined once."""

    reason = "INDICATOR_EXISTS"
    kind = Kind.EXISTS

    def __init__(self, key: str) -> None:
        super().__init__(f"the city measures {key} already", indicator=key)


class IndicatorNotDefined(Refused):
    """The city has neither unit nor direction for the indicator."""

    reason = "INDICATOR_NOT_DEFINED"

    def __init__(self, key: str) -> None:
        super().__init__(f"the city has neither unit nor direction for {key}, so it reads `not measured`: an officer defines it first", indicator=key)


class WrongUnit(Refused):
    """A figure is in another unit than its indicator."""

    reason = "WRONG_UNIT"
    kind = Kind.INVALID

    def __init__(self, key: str, unit: str, wanted: str) -> None:
        super().__init__(f"{key} is measured in {wanted}, not in {unit}", field="unit", unit=wanted)


class MeasuredByThePlatform(Refused):
    """The platform measures the indicator from its own records."""

    reason = "MEASURED_BY_THE_PLATFORM"

    def __init__(self, key: str) -> None:
        super().__init__(f"{key} is measured from the platform's own records; nobody writes it by hand", indicator=key)


class TooManyIndicators(Refused):
    """Officers have defined as many indicators as they may."""

    reason = "TOO_MANY_INDICATORS"
    kind = Kind.EXHAUSTED

    def __init__(self, limit: int) -> None:
        super().__init__(f"officers define {limit} indicators at most; there is no room for another", limit=str(limit))


class RetirementIsFinal(Refused):
    """The layers let go from a retirement's first moment: there is nothing to take back."""

    reason = "RETIREMENT_IS_FINAL"

    def __init__(self, journey_id: str) -> None:
        super().__init__(f"journey {journey_id} is a retirement, which goes on to its end; propose the service again after it", journey_id=journey_id)


class ServiceNotFound(Refused):
    """There is no such service, or it is another's: nobody can tell which."""

    reason = "SERVICE_NOT_FOUND"
    kind = Kind.NOT_FOUND

    def __init__(self, service_id: str) -> None:
        super().__init__(f"there is no service {service_id}", service_id=service_id)


class ServiceNotInState(Refused):
    """The service's state does not allow what was asked."""

    reason = "SERVICE_NOT_IN_STATE"

    def __init__(self, service_id: str, state: str, wanted: str) -> None:
        super().__init__(f"the service is {state}; this needs one that is {wanted}", service_id=service_id, state=state)


class SuspendedByCity(Refused):
    """What an officer has suspended, an officer resumes."""

    reason = "SUSPENDED_BY_CITY"

    def __init__(self, service_id: str) -> None:
        super().__init__("an officer suspended the service, and only an officer resumes it", service_id=service_id)


class LiveVersionChanged(Refused):
    """Another version went live, or was proposed, while the call was in hand."""

    reason = "LIVE_VERSION_CHANGED"

    def __init__(self, service_id: str) -> None:
        super().__init__("the service changed while this call was in hand; look at it and call again", service_id=service_id)
