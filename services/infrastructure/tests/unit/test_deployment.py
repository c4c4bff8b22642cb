"""What is wanted and what was seen give what is to be done, whatever happens."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from stratapolis.infrastructure.domain.deployment import Act, Deployment, Fact, Patience, Process, Seen, State, Wanted, given_up, step
from stratapolis.infrastructure.domain.pool import Amount, Need

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
PATIENCE = Patience()
RUNNING = Process(pid=4711, started=1.0)


def a_deployment(**changes: object) -> Deployment:
    asked = Deployment(
        journey_id="j", service_id="s", version=1, owner="o", generation=1, wanted=Wanted.RUNNING, state=State.ASKED, artefact="a", sha256="0" * 64,
        health="/health", pool="city", need=Need(each=Amount(cpu_millis=100, memory_mib=128), replicas=1), created_at=NOON, updated_at=NOON, look_at=NOON,
        port=7300,
    )  # fmt: skip
    return replace(asked, **changes)  # type: ignore[arg-type]


def a_running(**changes: object) -> Deployment:
    return a_deployment(state=State.READY, process=RUNNING, started_at=NOON, ready_at=NOON, answered_at=NOON, endpoint="http://127.0.0.1:7300", **changes)


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_what_is_asked_for_is_started_and_ready_when_it_answers() -> None:
    starting, act, facts = step(a_deployment(), Seen(process=None), PATIENCE, at=NOON)
    assert (starting.state, act, facts) == (State.STARTING, Act.START, ())
    silent, act, facts = step(starting, Seen(process=RUNNING), PATIENCE, at=later(1))
    assert (silent.state, act, facts) == (State.STARTING, Act.NOTHING, ())
    ready, act, facts = step(silent, Seen(process=RUNNING, answers=True), PATIENCE, at=later(2))
    assert (ready.state, act, facts) == (State.READY, Act.NOTHING, (Fact.READY,))
    assert ready.endpoint == "http://127.0.0.1:7300"


def test_a_process_that_keeps_dying_fails_and_says_its_last_words() -> None:
    deployment, starts, at = a_deployment(), 0, NOON
    facts: tuple[Fact, ...] = ()
    while not facts and at < later(3600):
        deployment, act, facts = step(deployment, Seen(process=None, last_words="no module named boot"), PATIENCE, at=at)
        starts += act is Act.START
        at += timedelta(milliseconds=100)
    assert (deployment.state, facts, starts) == (State.FAILED, (Fact.FAILED,), PATIENCE.deaths)
    assert deployment.message == "ended by itself: no module named boot"


def test_a_service_that_dies_is_degraded_and_started_again_however_often() -> None:
    deployment, said = a_running(), list[Fact]()
    for second in range(3_000):
        deployment, _act, facts = step(deployment, Seen(process=None), PATIENCE, at=later(second))
        said += facts
    assert said == [Fact.DEGRADED]
    assert deployment.state is State.DEGRADED
    assert deployment.start_at is None or deployment.start_at <= later(3_000) + PATIENCE.longest_pause
    recovered, _, facts = step(deployment, Seen(process=RUNNING, answers=True), PATIENCE, at=later(3_001))
    assert (recovered.state, facts) == (State.READY, (Fact.RECOVERED,))


def test_too_much_memory_ends_the_process() -> None:
    stopped, act, facts = step(a_running(), Seen(process=RUNNING, answers=True, memory_mib=129), PATIENCE, at=later(1))
    assert (act, facts, stopped.message) == (Act.STOP, (Fact.DEGRADED,), "used 129 MiB of 128 MiB")


def test_a_process_that_does_not_stop_is_killed() -> None:
    asked, act, _ = step(a_running(wanted=Wanted.GONE), Seen(process=RUNNING), PATIENCE, at=later(1))
    assert act is Act.STOP
    waiting, act, _ = step(asked, Seen(process=RUNNING), PATIENCE, at=later(5))
    assert act is Act.NOTHING
    _, act, _ = step(waiting, Seen(process=RUNNING), PATIENCE, at=later(7))
    assert act is Act.KILL


def test_one_that_never_answers_is_stopped_and_counts_as_dead() -> None:
    starting = a_deployment(state=State.STARTING, process=RUNNING, started_at=NOON)
    stopped, act, _ = step(starting, Seen(process=RUNNING), PATIENCE, at=later(61))
    assert (act, stopped.message) == (Act.STOP, "did not answer /health with 200 within 60 s")
    dead, act, _ = step(stopped, Seen(process=None), PATIENCE, at=later(62))
    assert (act, dead.deaths, dead.message) == (Act.NOTHING, 1, "did not answer /health with 200 within 60 s")


def test_a_hung_service_is_degraded_first_and_stopped_later() -> None:
    deployment, acts, said = a_running(), list[Act](), list[Fact]()
    for second in range(2, 40, 2):
        deployment, act, facts = step(deployment, Seen(process=RUNNING), PATIENCE, at=later(second))
        acts.append(act)
        said += facts
    assert said == [Fact.DEGRADED]
    assert acts.index(Act.STOP) == 15  # at 32 s, the first look past 30


def test_what_cannot_be_started_fails_unless_it_serves() -> None:
    assert given_up(a_deployment(state=State.STARTING), "wrong sum", at=NOON)[0].state is State.FAILED
    serving, _, facts = given_up(a_running(), "wrong sum", at=NOON)
    assert (serving.state, facts) == (State.READY, ())


sights = st.tuples(st.booleans(), st.booleans(), st.integers(0, 140), st.floats(0.05, 40), st.booleans())


@given(st.lists(sights, max_size=80))
def test_whatever_is_seen_the_story_told_is_one_that_can_be(seen: list[tuple[bool, bool, int, float, bool]]) -> None:
    deployment, at, said = a_deployment(), NOON, list[Fact]()
    for runs, answers, memory, seconds, wanted_gone in seen:
        at += timedelta(seconds=seconds)
        if wanted_gone and memory > 130:
            deployment = replace(deployment, wanted=Wanted.GONE)
        sight = Seen(process=RUNNING if runs else None, answers=runs and answers, memory_mib=memory if runs else 0)
        before = deployment
        deployment, act, facts = step(deployment, sight, PATIENCE, at=at)
        said += facts
        if act is Act.START:
            assert not runs
            assert deployment.wanted is Wanted.RUNNING
            assert before.state is not State.FAILED
        if act in {Act.STOP, Act.KILL}:
            assert runs
        if act is Act.REMOVE:
            assert not runs
        if deployment.state is State.RETIRED:
            assert (deployment.process, deployment.port) == (None, None)
            break
    assert said.count(Fact.READY) + said.count(Fact.FAILED) <= 1
    assert said.count(Fact.RETIRED) == (deployment.state is State.RETIRED)
    changes = [fact for fact in said if fact in {Fact.DEGRADED, Fact.RECOVERED}]
    assert changes == [Fact.DEGRADED, Fact.RECOVERED] * (len(changes) // 2) + [Fact.DEGRADED] * (len(changes) % 2)
    if changes:
        assert said[0] is Fact.READY
