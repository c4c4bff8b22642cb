"""Refusals about programmes, trainings and partnerships."""

from stratapolis.chassis.errors import Kind, Refused


class ProgrammeNotFound(Refused):
    """There is no such programme."""

    reason = "PROGRAMME_NOT_FOUND"
    kind = Kind.NOT_FOUND

    def __init__(self, programme_id: str) -> None:
        super().__init__(f"there is no programme {programme_id}", programme_id=programme_id)


class ProgrammeClosed(Refused):
    """The programme takes nobody any more: it was closed, or its last day is over."""

    reason = "PROGRAMME_CLOSED"

    def __init__(self, programme_id: str) -> None:
        super().__init__("the programme is closed; ListProgrammes shows what is open", programme_id=programme_id)


class ProgrammeNotOfKind(Refused):
    """Another kind of programme is needed for this."""

    reason = "PROGRAMME_NOT_OF_KIND"

    def __init__(self, programme_id: str, kind: str, wanted: str) -> None:
        super().__init__(f"the programme is of kind {kind}; this needs one of kind {wanted}", programme_id=programme_id, kind=kind, wanted=wanted)


class PartnerNotFound(Refused):
    """Governance has accepted no such value creator, or has suspended it."""

    reason = "PARTNER_NOT_FOUND"
    kind = Kind.NOT_FOUND

    def __init__(self, creator_id: str) -> None:
        super().__init__(f"there is no accepted value creator {creator_id}", creator_id=creator_id)


class PartnerNotOfKind(Refused):
    """Partners are universities and companies."""

    reason = "PARTNER_NOT_OF_KIND"

    def __init__(self, kind: str) -> None:
        super().__init__(f"a partner is a university or a company, not a {kind}", kind=kind)


class AlreadyPartners(Refused):
    """A partnership of this programme with this partner runs."""

    reason = "ALREADY_PARTNERS"
    kind = Kind.EXISTS

    def __init__(self, creator_id: str) -> None:
        super().__init__("a partnership with this partner runs in this programme already", creator_id=creator_id)


class PartnershipNotFound(Refused):
    """There is no such partnership."""

    reason = "PARTNERSHIP_NOT_FOUND"
    kind = Kind.NOT_FOUND

    def __init__(self, partnership_id: str) -> None:
        super().__init__(f"there is no partnership {partnership_id}", partnership_id=partnership_id)


class PartnershipEnded(Refused):
    """The partnership has ended; that is final."""

    reason = "PARTNERSHIP_ENDED"

    def __init__(self, partnership_id: str) -> None:
        super().__init__("the partnership has ended; register another", partnership_id=partnership_id)


class SeatsTaken(Refused):
    """A training takes so many and no more."""

    reason = "SEATS_TAKEN"
    kind = Kind.EXHAUSTED

    def __init__(self, seats: int) -> None:
        super().__init__(f"all {seats} seats are taken", seats=str(seats))


class AlreadyEnrolled(Refused):
    """One seat is enough."""

    reason = "ALREADY_ENROLLED"
    kind = Kind.EXISTS

    def __init__(self, programme_id: str) -> None:
        super().__init__("you have a seat in this training", programme_id=programme_id)


class EnrolmentNotFound(Refused):
    """There is no such enrolment, or it is another's: nobody can tell which."""

    reason = "ENROLMENT_NOT_FOUND"
    kind = Kind.NOT_FOUND

    def __init__(self, enrolment_id: str) -> None:
        super().__init__(f"there is no enrolment {enrolment_id}", enrolment_id=enrolment_id)


class EnrolmentEnded(Refused):
    """The enrolment has ended; that is final."""

    reason = "ENROLMENT_ENDED"

    def __init__(self, enrolment_id: str, state: str) -> None:
        super().__init__(f"the enrolment has ended: {state}", enrolment_id=enrolment_id, state=state)


class AwardNotFound(Refused):
    """There is no such award, or it is another's: nobody can tell which."""

    reason = "AWARD_NOT_FOUND"
    kind = Kind.NOT_FOUND

    def __init__(self, award_id: str) -> None:
        super().__init__(f"there is no award {award_id}", award_id=award_id)
