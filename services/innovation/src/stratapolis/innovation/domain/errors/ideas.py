"""Refusals about challenges, ideas and workshops."""

from stratapolis.chassis.errors import Kind, Refused


class ChallengeNotFound(Refused):
    """There is no such challenge."""

    reason = "CHALLENGE_NOT_FOUND"
    kind = Kind.NOT_FOUND

    def __init__(self, challenge_id: str) -> None:
        super().__init__(f"there is no challenge {challenge_id}", challenge_id=challenge_id)


class ChallengeClosed(Refused):
    """The challenge takes no more ideas."""

    reason = "CHALLENGE_CLOSED"

    def __init__(self, challenge_id: str) -> None:
        super().__init__("the challenge is closed; ListChallenges shows what is open", challenge_id=challenge_id)


class IdeaNotFound(Refused):
    """There is no such idea."""

    reason = "IDEA_NOT_FOUND"
    kind = Kind.NOT_FOUND

    def __init__(self, idea_id: str) -> None:
        super().__init__(f"there is no idea {idea_id}", idea_id=idea_id)


class IdeaNotInState(Refused):
    """The idea's state does not allow it."""

    reason = "IDEA_NOT_IN_STATE"

    def __init__(self, idea_id: str, state: str, wanted: str) -> None:
        super().__init__(f"the idea is {state}; this needs one that is {wanted}", idea_id=idea_id, state=state)


class OwnIdea(Refused):
    """A vote is for somebody else's idea."""

    reason = "OWN_IDEA"

    def __init__(self, idea_id: str) -> None:
        super().__init__("the idea is your own; votes come from others", idea_id=idea_id)


class AlreadySupported(Refused):
    """One identity has one vote."""

    reason = "ALREADY_SUPPORTED"
    kind = Kind.EXISTS

    def __init__(self, idea_id: str) -> None:
        super().__init__("you support the idea already", idea_id=idea_id)


class NotSupported(Refused):
    """There is no vote of the caller's to take back."""

    reason = "NOT_SUPPORTED"

    def __init__(self, idea_id: str) -> None:
        super().__init__("you do not support the idea", idea_id=idea_id)


class NotTheProposer(Refused):
    """Only its proposer takes an idea back."""

    reason = "NOT_THE_PROPOSER"
    kind = Kind.DENIED

    def __init__(self, idea_id: str) -> None:
        super().__init__("only the proposer takes an idea back; an officer drops it", idea_id=idea_id)


class NotTheLead(Refused):
    """Only the value creator that was chosen for it, or an officer, runs a pilot."""

    reason = "NOT_THE_LEAD"
    kind = Kind.DENIED

    def __init__(self, idea_id: str) -> None:
        super().__init__("only members of the value creator that leads the idea, or an officer, do this", idea_id=idea_id)


class LeadMissing(Refused):
    """A person alone pilots nothing: a value creator is named."""

    reason = "LEAD_MISSING"
    kind = Kind.INVALID

    def __init__(self, idea_id: str) -> None:
        super().__init__("lead: name an accepted value creator that pilots it; who submitted the idea is none", idea_id=idea_id, field="lead")


class LeadNotFound(Refused):
    """Governance has accepted no such value creator, or has suspended it."""

    reason = "LEAD_NOT_FOUND"
    kind = Kind.NOT_FOUND

    def __init__(self, lead: str) -> None:
        super().__init__(f"there is no accepted value creator {lead}", lead=lead)


class NotProven(Refused):
    """An idea graduates with evidence, and with nothing else."""

    reason = "NOT_PROVEN"

    def __init__(self, idea_id: str, verdict: str) -> None:
        super().__init__(
            f"the newest pilot's hypothesis is {verdict}; an idea graduates when it is confirmed by measurements", idea_id=idea_id, verdict=verdict
        )


class WorkshopNotFound(Refused):
    """There is no such workshop."""

    reason = "WORKSHOP_NOT_FOUND"
    kind = Kind.NOT_FOUND

    def __init__(self, workshop_id: str) -> None:
        super().__init__(f"there is no workshop {workshop_id}", workshop_id=workshop_id)


class WorkshopCancelled(Refused):
    """The workshop was called off."""

    reason = "WORKSHOP_CANCELLED"

    def __init__(self, workshop_id: str) -> None:
        super().__init__("the workshop was called off", workshop_id=workshop_id)


class WorkshopBegun(Refused):
    """What has begun is not called off."""

    reason = "WORKSHOP_BEGUN"

    def __init__(self, workshop_id: str) -> None:
        super().__init__("the workshop has begun", workshop_id=workshop_id)


class WorkshopNotBegun(Refused):
    """A workshop that has not begun has refined nothing."""

    reason = "WORKSHOP_NOT_BEGUN"

    def __init__(self, workshop_id: str) -> None:
        super().__init__("the workshop has not begun", workshop_id=workshop_id)


class IdeaNotInvited(Refused):
    """The workshop looks at other ideas."""

    reason = "IDEA_NOT_INVITED"

    def __init__(self, idea_id: str, workshop_id: str) -> None:
        super().__init__("the workshop does not look at this idea", idea_id=idea_id, workshop_id=workshop_id)
