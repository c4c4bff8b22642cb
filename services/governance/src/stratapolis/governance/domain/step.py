"""The words of a journey: its stages and states, questions and answers, and the steps of its history."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Stage(StrEnum):
    """One step of the way, in order."""

    CLEARING = "clearing"
    DECIDING = "deciding"
    DEPLOYING = "deploying"
    CONNECTING = "connecting"
    LISTING = "listing"
    RETIRING = "retiring"


class Kind(StrEnum):
    """What a journey is to bring about."""

    LAUNCH = "launch"
    UPGRADE = "upgrade"
    RETIREMENT = "retirement"


class State(StrEnum):
    """Where a journey stands: in a stage, collecting reasons, or at its end."""

    CLEARING = "clearing"
    DECIDING = "deciding"
    DEPLOYING = "deploying"
    CONNECTING = "connecting"
    LISTING = "listing"
    RETIRING = "retiring"
    REFUSING = "refusing"
    LIVE = "live"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    RETIRED = "retired"


class Happened(StrEnum):
    """What a step of the history is about."""

    PROPOSED = "proposed"
    ASKED = "asked"
    ANSWERED = "answered"
    ANSWERED_LATE = "answered_late"
    REFUSED = "refused"
    SKIPPED = "skipped"
    DECIDED = "decided"
    ENDED = "ended"
    RETIREMENT = "retirement"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """The live version that a journey takes the place of, and the journey that brought it live."""

    version: int
    journey_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why not: a code of the refusing layer, where in the manifest, and what would be right."""

    layer: str
    code: str
    field_path: str = ""
    message: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One thing a layer holds for the journey; `amount` is in words and units."""

    kind: str
    reference: str = ""
    amount: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Obligation:
    """What a clearance asks for."""

    code: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One party's part of the revenue; all parts add up to 10 000."""

    party: str
    basis_points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a party said to one question."""

    party: str
    stage: Stage
    attempt: int
    cleared: bool
    reasons: tuple[Reason, ...] = ()
    held: tuple[Held, ...] = ()
    obligations: tuple[Obligation, ...] = ()
    shares: tuple[Share, ...] = ()
    valid_until: datetime | None = None
    decided_on: str = ""
    endpoint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One question to one party, with its deadline."""

    party: str
    stage: Stage
    attempt: int
    since: datetime
    until: datetime
    answer: Answer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happened; `number` counts from 1 without gaps, `state` is the journey's after it."""

    kind: Happened
    at: datetime
    number: int = 0
    state: State = State.CLEARING
    stage: Stage = Stage.CLEARING
    attempt: int = 0
    parties: tuple[str, ...] = ()
    until: datetime | None = None
    cleared: bool | None = None
    reasons: tuple[Reason, ...] = ()
    held: tuple[Held, ...] = ()
    obligations: tuple[Obligation, ...] = ()
    decided_on: str = ""
    message: str = ""
    actor: str = ""
