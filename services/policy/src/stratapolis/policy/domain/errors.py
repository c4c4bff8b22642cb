"""What policy refuses, named after the refused fact; each `reason` is a name of the contract's ErrorReason."""

from datetime import datetime

from stratapolis.chassis.errors import Kind, Refused


class PolicyNotFound(Refused):
    """There is no such version."""

    reason = "POLICY_NOT_FOUND"
    kind = Kind.NOT_FOUND

    def __init__(self, version: int) -> None:
        super().__init__(f"there is no version {version} of the policy set", version=str(version))


class PolicyNotValid(Refused):
    """The text cannot be a policy set of this city; all faults at once."""

    reason = "POLICY_NOT_VALID"
    kind = Kind.INVALID

    def __init__(self, *faults: str) -> None:
        super().__init__("; ".join(faults)[:2000], faults=str(len(faults)))


class PolicyExampleFailed(Refused):
    """The policy set decides examples otherwise than expected."""

    reason = "POLICY_EXAMPLE_FAILED"
    kind = Kind.INVALID

    def __init__(self, *failed: str) -> None:
        super().__init__("; ".join(failed)[:2000], failed=str(len(failed)))


class PolicySuperseded(Refused):
    """A newer version, or this one, is in force: versions only go forward, so that followers agree which is the newest."""

    reason = "POLICY_SUPERSEDED"

    def __init__(self, version: int, active: int) -> None:
        super().__init__(f"version {active} is in force; to go back, publish the text of version {version} again", version=str(version), active=str(active))


class SamePerson(Refused):
    """Two persons put a policy in force."""

    reason = "SAME_PERSON"
    kind = Kind.DENIED

    def __init__(self) -> None:
        super().__init__("who published a policy may not activate it; another policy_admin does")


class AlreadyFounded(Refused):
    """The founding policy is put in once."""

    reason = "ALREADY_FOUNDED"
    kind = Kind.EXISTS

    def __init__(self) -> None:
        super().__init__("the city has its founding policy; publish a version instead")


class NotFounded(Refused):
    """No policy is in force yet."""

    reason = "NOT_FOUNDED"

    def __init__(self) -> None:
        super().__init__("no policy is in force yet: found the city first")


class AgreementNotFound(Refused):
    """There is no such agreement, or it is others': nobody can tell which."""

    reason = "AGREEMENT_NOT_FOUND"
    kind = Kind.NOT_FOUND

    def __init__(self, agreement_id: str) -> None:
        super().__init__(f"there is no agreement {agreement_id}", agreement_id=agreement_id)


class AgreementEnded(Refused):
    """The term is over: nobody can sign any more."""

    reason = "AGREEMENT_ENDED"

    def __init__(self, end_at: datetime) -> None:
        super().__init__(f"the agreement ended at {end_at.isoformat()}")


class NotAParty(Refused):
    """The party is none of the agreement's."""

    reason = "NOT_A_PARTY"

    def __init__(self, party: str) -> None:
        super().__init__(f"{party} is no party of the agreement", party=party)


class SharesNotWhole(Refused):
    """Shares are basis points of one revenue."""

    reason = "SHARES_NOT_WHOLE"
    kind = Kind.INVALID

    def __init__(self, total: int) -> None:
        super().__init__(f"the shares add up to {total} basis points; they make 10000", total=str(total))


class PartyTwice(Refused):
    """A party has one share."""

    reason = "PARTY_TWICE"
    kind = Kind.INVALID

    def __init__(self, party: str) -> None:
        super().__init__(f"{party} is named twice; give it one share", party=party)


class TermNotValid(Refused):
    """A term has a length, and some of it is still to come."""

    reason = "TERM_NOT_VALID"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("the term must end after it starts, and after now")


class AmountNotValid(Refused):
    """Money that is set aside is more than none."""

    reason = "AMOUNT_NOT_VALID"
    kind = Kind.INVALID

    def __init__(self, amount: str) -> None:
        super().__init__(f"{amount} is no amount to set aside; it must be more than 0")


class SignatureNotYours(Refused):
    """Each party signs by its own identity."""

    reason = "SIGNATURE_NOT_YOURS"
    kind = Kind.DENIED

    def __init__(self, party: str) -> None:
        super().__init__(f"you may not sign for {party}: an admin of the value creator does, for the city an officer", party=party)


class AlreadySigned(Refused):
    """A party signs once."""

    reason = "ALREADY_SIGNED"
    kind = Kind.EXISTS

    def __init__(self, party: str) -> None:
        super().__init__(f"{party} has signed", party=party)


class FundingNotFound(Refused):
    """There is no such source."""

    reason = "FUNDING_NOT_FOUND"
    kind = Kind.NOT_FOUND

    def __init__(self, source_id: str) -> None:
        super().__init__(f"there is no funding source {source_id}", source_id=source_id)


class FundingExhausted(Refused):
    """A source never gives more than it has."""

    reason = "FUNDING_EXHAUSTED"
    kind = Kind.EXHAUSTED

    def __init__(self, source_id: str, left: str) -> None:
        super().__init__(f"the source has {left} left", source_id=source_id, left=left)


class MetricNotValid(Refused):
    """A metric is promised by a party that pays something where it is missed."""

    reason = "METRIC_NOT_VALID"
    kind = Kind.INVALID

    def __init__(self, number: int, field: str, because: str) -> None:
        super().__init__(f"metrics[{number}].{field}: {because}", field=f"metrics[{number}].{field}")
