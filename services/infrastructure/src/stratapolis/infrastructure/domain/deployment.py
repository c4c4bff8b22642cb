"""Deployments: what is wanted, what was seen, and what is to be done about the difference."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, StrEnum

from stratapolis.infrastructure.domain.pool import Need


class State(StrEnum):
    """Where a deployment stands."""

    ASKED = "asked"
    STARTING = "starting"
    READY = "ready"
    DEGRADED = "degraded"
    FAILED = "failed"
    RETIRED = "retired"


class Wanted(StrEnum):
    """What a deployment is to be."""

    RUNNING = "running"
    GONE = "gone"


class Act(Enum):
    """What is to be done to the world next."""

    NOTHING = "nothing"
    START = "start"
    STOP = "stop"  # ask the processes to end
    KILL = "kill"  # they did not
    REMOVE = "remove"  # nothing runs: remove the folder


class Fact(Enum):
    """What is said of it."""

    READY = "ready"
    FAILED = "failed"
    DEGRADED = "degraded"
    RECOVERED = "recovered"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process for good: a number is given out again, a number with a start time is not."""

    pid: int
    started: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long things may take. A process that was ready for `settled` counts as healthy again."""

    start: timedelta = timedelta(seconds=60)
    stop: timedelta = timedelta(seconds=5)
    hung: timedelta = timedelta(seconds=30)
    settled: timedelta = timedelta(seconds=10)
    look: timedelta = timedelta(seconds=2)
    first_pause: timedelta = timedelta(milliseconds=500)
    longest_pause: timedelta = timedelta(seconds=30)
    deaths: int = 5
    misses: int = 3

    def pause(self, deaths: int) -> timedelta:
        """How long to wait after so many deaths in a row, before it is started again."""
        return min(self.first_pause * (1 << min(deaths - 1, 16)), self.longest_pause)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A look at the world: what runs, whether it answers its health check, what its processes use."""

    process: Process | None
    answers: bool = False
    cpu_millis: int = 0
    memory_mib: int = 0
    last_words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """The software of one version of a service. `deaths` count since it was last ready for a while."""

    journey_id: str
    service_id: str
    version: int
    owner: str
    generation: int
    wanted: Wanted
    state: State
    artefact: str
    sha256: str
    health: str
    pool: str
    need: Need
    created_at: datetime
    updated_at: datetime
    look_at: datetime
    port: int | None = None
    process: Process | None = None
    subject: str = ""
    public_key: str = ""
    deaths: int = 0
    misses: int = 0
    start_at: datetime | None = None
    started_at: datetime | None = None
    ready_at: datetime | None = None
    answered_at: datetime | None = None
    stop_at: datetime | None = None
    endpoint: str = ""
    message: str = ""
    used_cpu_millis: int = 0
    used_memory_mib: int = 0


Step = tuple[Deployment, Act, tuple[Fact, ...]]


def step(deployment: Deployment, seen: Seen, patience: Patience, *, at: datetime) -> Step:
    """The next thing to do, and what is true now: nothing but values."""
    ran = deployment.process is not None or deployment.started_at is not None
    looked = replace(
        deployment, process=seen.process, used_cpu_millis=seen.cpu_millis, used_memory_mib=seen.memory_mib, look_at=at + timedelta(milliseconds=200)
    )
    if looked.wanted is Wanted.GONE or looked.state is State.FAILED:
        return _leaving(looked, patience, at=at)
    if seen.process is None:
        return _dead(looked, seen, patience, at=at) if ran else _absent(looked, at=at)
    if looked.stop_at is not None:
        return _stopping(looked, patience, at=at)
    if seen.memory_mib > looked.need.each.memory_mib:
        return _stop(looked, f"used {seen.memory_mib} MiB of {looked.need.each.memory_mib} MiB", at=at)
    return _answering(looked, patience, at=at) if seen.answers else _silent(looked, patience, at=at)


def given_up(deployment: Deployment, why: str, *, at: datetime) -> Step:
    """It cannot be started as it is. One that was never ready has failed; one that serves is tried again, later and later."""
    if deployment.ready_at is None:
        return replace(deployment, state=State.FAILED, message=why, updated_at=at), Act.NOTHING, (Fact.FAILED,)
    return replace(deployment, message=why), Act.NOTHING, ()


def _absent(d: Deployment, *, at: datetime) -> Step:
    """Nothing runs and nothing is owed an explanation: start it when its pause is over."""
    if d.start_at is not None and at < d.start_at:
        return d, Act.NOTHING, ()
    state = State.STARTING if d.state is State.ASKED else d.state
    started = replace(d, state=state, start_at=None, started_at=at, stop_at=None, misses=0)
    return (replace(started, updated_at=at) if state is not d.state else started), Act.START, ()


def _dead(d: Deployment, seen: Seen, patience: Patience, *, at: datetime) -> Step:
    """It ran and runs no more."""
    settled = d.answered_at is not None and d.started_at is not None and d.answered_at - d.started_at >= patience.settled
    deaths = 1 if settled else d.deaths + 1
    why = d.message if d.stop_at is not None else f"ended by itself{': ' if seen.last_words else ''}{seen.last_words}"
    gone = replace(d, deaths=deaths, message=why, started_at=None, stop_at=None, start_at=at + patience.pause(deaths))
    if d.ready_at is None and deaths >= patience.deaths:
        return replace(gone, state=State.FAILED, updated_at=at), Act.NOTHING, (Fact.FAILED,)
    return _degraded(gone, at=at)


def _answering(d: Deployment, patience: Patience, *, at: datetime) -> Step:
    since = d.started_at or at
    deaths = 0 if at - since >= patience.settled else d.deaths
    well = replace(d, started_at=since, answered_at=at, deaths=deaths, misses=0, look_at=at + patience.look, endpoint=f"http://127.0.0.1:{d.port}", message="")
    match d.state:
        case State.ASKED | State.STARTING:
            return replace(well, state=State.READY, ready_at=at, updated_at=at), Act.NOTHING, (Fact.READY,)
        case State.DEGRADED:
            return replace(well, state=State.READY, updated_at=at), Act.NOTHING, (Fact.RECOVERED,)
        case _:
            return well, Act.NOTHING, ()


def _silent(d: Deployment, patience: Patience, *, at: datetime) -> Step:
    """It runs and does not answer: still starting, or hung."""
    since = d.started_at or at
    missed = replace(d, started_at=since, misses=d.misses + 1)
    heard = d.answered_at is not None and d.answered_at >= since
    if not heard and at - since > patience.start:
        return _stop(missed, f"did not answer {d.health} with 200 within {patience.start.total_seconds():.0f} s", at=at)
    if heard and d.answered_at is not None and at - d.answered_at > patience.hung:
        return _stop(missed, f"has not answered {d.health} for {patience.hung.total_seconds():.0f} s", at=at)
    if heard and missed.misses >= patience.misses:
        return _degraded(replace(missed, message=f"does not answer {d.health}"), at=at)
    return missed, Act.NOTHING, ()


def _stop(d: Deployment, why: str, *, at: datetime) -> Step:
    after, _, facts = _degraded(replace(d, message=why, stop_at=at), at=at)
    return after, Act.STOP, facts


def _stopping(d: Deployment, patience: Patience, *, at: datetime) -> Step:
    over = d.stop_at is not None and at - d.stop_at > patience.stop
    return d, Act.KILL if over else Act.NOTHING, ()


def _leaving(d: Deployment, patience: Patience, *, at: datetime) -> Step:
    """It is to be gone, or was given up: end what runs, then remove what is left."""
    if d.process is not None:
        return (replace(d, stop_at=at), Act.STOP, ()) if d.stop_at is None else _stopping(d, patience, at=at)
    cleared = replace(d, port=None, started_at=None, stop_at=None, used_cpu_millis=0, used_memory_mib=0)
    if d.wanted is Wanted.GONE:
        return replace(cleared, state=State.RETIRED, updated_at=at), Act.REMOVE, (Fact.RETIRED,)
    return cleared, Act.REMOVE if d.port is not None else Act.NOTHING, ()


def _degraded(d: Deployment, *, at: datetime) -> Step:
    """Said once, and only of what was ready."""
    if d.state is State.READY:
        return replace(d, state=State.DEGRADED, updated_at=at), Act.NOTHING, (Fact.DEGRADED,)
    return d, Act.NOTHING, ()
