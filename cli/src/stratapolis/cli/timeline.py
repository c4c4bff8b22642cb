"""A journey's history as lines: which layer was asked, what it answered and holds, and how long it took."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from city.governance.v1.journey_pb2 import Awaited, Journey, Step, StepKind
from city.journey.v1.journey_pb2 import JourneyKind, JourneyState, Outcome, Reason, Stage
from stratapolis.cli.screen import ago, clock, word

SUCCEEDED = frozenset({JourneyState.JOURNEY_STATE_LIVE, JourneyState.JOURNEY_STATE_RETIRED})
"""Where a proposal, and a retirement, were to end."""
ENDED = SUCCEEDED | {JourneyState.JOURNEY_STATE_REJECTED, JourneyState.JOURNEY_STATE_WITHDRAWN}


class Timeline:
    """Lines for steps as they come, each with the time since the first."""

    def __init__(self) -> None:
        self._began: datetime | None = None
        self._asked: dict[tuple[str, int, int], datetime] = {}

    def lines(self, step: Step) -> list[str]:
        """One step: what happened, then what it brought, a line each."""
        at = step.time.ToDatetime(UTC)
        self._began = self._began or at
        text = f"{(at - self._began).total_seconds():8.3f} s  {self._said(step, at)}"
        held = [f"holds {each.kind} {each.reference} {each.amount}".rstrip() for each in step.held]
        owed = [f"asks for {each.code}: {each.message}" for each in step.obligations]
        return [text, *(f"{'':12}{line}" for line in [*held, *owed, *reasons(step.reasons)])]

    def _said(self, step: Step, at: datetime) -> str:
        stage, parties = word(Stage, step.stage), ", ".join(step.parties)
        if step.kind == StepKind.STEP_KIND_ASKED:
            self._asked |= {(party, step.stage, step.attempt): at for party in step.parties}
            again = f", attempt {step.attempt}" if step.attempt > 1 else ""
            return f"{stage}: asked {parties}{again}, until {clock(step.until_time)}"
        if step.kind in {StepKind.STEP_KIND_ANSWERED, StepKind.STEP_KIND_ANSWERED_LATE}:
            asked = [self._asked[key] for party in step.parties if (key := (party, step.stage, step.attempt)) in self._asked]
            took = f" after {(at - asked[0]).total_seconds() * 1000:.0f} ms" if asked else ""
            late = ", too late" if step.kind == StepKind.STEP_KIND_ANSWERED_LATE else ""
            return f"{stage}: {parties} {word(Outcome, step.outcome)}{took}{late}" + (f", by {step.decided_on}" if step.decided_on else "")
        if step.kind == StepKind.STEP_KIND_RETIREMENT:
            return f"to be retired: {step.message}" + (f" by {step.actor}" if step.actor else "")
        if step.kind == StepKind.STEP_KIND_ENDED:
            return f"ended: {word(JourneyState, step.state)}" + (f" ({step.message})" if step.message else "")
        what = f"{word(StepKind, step.kind)}: {stage}" if step.stage else word(StepKind, step.kind)
        return f"{what} {word(Outcome, step.outcome) if step.outcome else ''} {step.message}".rstrip() + (f" by {step.actor}" if step.actor else "")


def reasons(found: Iterable[Reason]) -> list[str]:
    """Each reason in a line: who, what, where, what would be right."""
    return [f"{r.layer}: {r.code}{f' at {r.field_path}' if r.field_path else ''}: {r.message}{f' ({r.hint})' if r.hint else ''}" for r in found]


def awaited(waiting: Awaited) -> str:
    """What is waited for, since when, until when."""
    again = f", attempt {waiting.attempt}" if waiting.attempt > 1 else ""
    return f"waits for {waiting.party} ({word(Stage, waiting.stage)}{again}): asked {ago(waiting.since_time)} ago, until {clock(waiting.until_time)}"


def _in_place_of(journey: Journey) -> str:
    """What an upgrade takes the place of, and until when that serves on."""
    if journey.kind != JourneyKind.JOURNEY_KIND_UPGRADE:
        return ""
    drains = f", which serves on until {clock(journey.drain_until_time)}" if journey.HasField("drain_until_time") else ""
    return f" (version {journey.version}, in place of version {journey.replaces.version}{drains})"


def why(journey: Journey) -> list[str]:
    """Why a journey stands where it stands."""
    state = f"{word(JourneyState, journey.state)}{_in_place_of(journey)}"
    against = [f"  {line}" for line in reasons(journey.reasons)]
    if journey.state in ENDED:
        return [
            f"{state} since {clock(journey.ended_time)}" + (f", for {len(against)} {'reasons' if len(against) > 1 else 'reason'}:" if against else ""),
            *against,
        ]
    return [f"{state} since {clock(journey.update_time)}", *(f"  {awaited(each)}" for each in journey.awaited), *against]
