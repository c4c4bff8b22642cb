"""Refusals about pilots and their testers."""

from datetime import date

from stratapolis.chassis.errors import Kind, Refused


class ZoneFull(Refused):
    """A zone never takes more than it can."""

    reason = "ZONE_FULL"
    kind = Kind.EXHAUSTED

    def __init__(self, day: date, left: int, places: int) -> None:
        super().__init__(f"on {day} the zone has {left} of {places} places left", day=str(day), left=str(left))


class ServiceRetired(Refused):
    """What is gone is measured no more."""

    reason = "SERVICE_RETIRED"

    def __init__(self, field: str, service_id: str) -> None:
        super().__init__(f"{field}: service {service_id} is retired", field=field, service_id=service_id)


class PilotNotFound(Refused):
    """There is no such pilot."""

    reason = "PILOT_NOT_FOUND"
    kind = Kind.NOT_FOUND

    def __init__(self, pilot_id: str) -> None:
        super().__init__(f"there is no pilot {pilot_id}", pilot_id=pilot_id)


class PilotNotInState(Refused):
    """The pilot's state does not allow it."""

    reason = "PILOT_NOT_IN_STATE"

    def __init__(self, pilot_id: str, state: str) -> None:
        super().__init__(f"the pilot is {state}", pilot_id=pilot_id, state=state)


class NotMeasured(Refused):
    """Nothing was measured that could be evidence."""

    reason = "NOT_MEASURED"

    def __init__(self, pilot_id: str, indicator: str, scope: str) -> None:
        super().__init__(
            f"governance has said no value of {indicator} in scope {scope} for a period within the pilot", pilot_id=pilot_id, indicator=indicator, scope=scope
        )


class TestersFull(Refused):
    """A pilot takes as many testers as it has places."""

    reason = "TESTERS_FULL"
    kind = Kind.EXHAUSTED

    def __init__(self, places: int) -> None:
        super().__init__(f"all {places} places for testers are taken", places=str(places))


class StatementDiffers(Refused):
    """One agrees to the words that stand there."""

    reason = "STATEMENT_DIFFERS"
    kind = Kind.INVALID

    def __init__(self, pilot_id: str) -> None:
        super().__init__("statement: repeat the pilot's consent_statement word by word", pilot_id=pilot_id, field="statement")


class AlreadyConsented(Refused):
    """One consent is enough."""

    reason = "ALREADY_CONSENTED"
    kind = Kind.EXISTS

    def __init__(self, pilot_id: str) -> None:
        super().__init__("you are a tester of this pilot", pilot_id=pilot_id)


class ConsentNotFound(Refused):
    """There is no such consent, or it is another's: nobody can tell which."""

    reason = "CONSENT_NOT_FOUND"
    kind = Kind.NOT_FOUND

    def __init__(self, consent_id: str) -> None:
        super().__init__(f"there is no consent {consent_id}", consent_id=consent_id)


class ConsentWithdrawn(Refused):
    """The consent was taken back."""

    reason = "CONSENT_WITHDRAWN"

    def __init__(self, consent_id: str) -> None:
        super().__init__("the consent was taken back already", consent_id=consent_id)
