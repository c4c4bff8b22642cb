"""A journey's way, input by input; what must hold for every way is in test_journey_model.py."""

from dataclasses import replace
from datetime import timedelta

import pytest
from stratapolis.governance.domain.errors import JourneyHasEnded, JourneyNotDeciding, RetirementIsFinal
from stratapolis.governance.domain.journey import Course, Journey, answer, decide, expire, propose, stop, withdraw
from stratapolis.governance.domain.step import Happened, Kind, Reason, Stage, State, Step

from services.governance.tests.unit.builders import (
    COURSE,
    LIMITS,
    LIVE,
    NOW,
    OFFICER_NEEDED,
    a_journey,
    a_no,
    a_proposal,
    a_reason,
    a_retirement,
    a_yes,
    all_clear,
)


def asked(steps: tuple[Step, ...]) -> list[tuple[Stage, int, tuple[str, ...]]]:
    return [(step.stage, step.attempt, step.parties) for step in steps if step.kind is Happened.ASKED]


def deciding() -> Journey:
    journey, _ = all_clear(a_journey()[0], OFFICER_NEEDED)
    return journey


def test_a_proposal_asks_four_layers_at_once() -> None:
    journey, steps = a_journey()
    assert journey.state is State.CLEARING
    assert journey.until == NOW + LIMITS[Stage.CLEARING]
    assert asked(steps) == [(Stage.CLEARING, 1, ("policy", "data", "connectivity", "infrastructure"))]


def test_a_cleared_journey_passes_every_stage_and_goes_live() -> None:
    journey, _ = a_journey()
    way = [journey.state]
    while not journey.ended:
        journey, _ = all_clear(journey)
        way.append(journey.state)
    assert way == [State.CLEARING, State.DEPLOYING, State.CONNECTING, State.LISTING, State.LIVE]
    assert journey.ended_at == NOW and journey.until is None


def test_a_service_without_software_skips_deploying_and_the_history_says_why() -> None:
    journey, steps = all_clear(a_journey(has_software=False)[0])
    assert journey.state is State.CONNECTING
    assert [(step.stage, step.message) for step in steps if step.kind is Happened.SKIPPED] == [(Stage.DEPLOYING, "the service has no software to deploy")]


def test_a_stage_of_layers_that_take_no_part_is_skipped() -> None:
    course = Course(layers=frozenset({"policy", "infrastructure"}), limits=LIMITS)
    journey, steps = a_journey(course=course)
    while not journey.ended:
        journey, steps = all_clear(journey, course=course)
    assert journey.state is State.LIVE
    assert [step.stage for step in steps if step.kind is Happened.SKIPPED] == [Stage.LISTING]


def test_the_first_refusal_waits_for_the_other_answers_and_all_reasons_are_kept() -> None:
    journey, _ = answer(a_journey()[0], a_no("policy"), COURSE, at=NOW)
    assert journey.state is State.REFUSING
    assert [ask.party for ask in journey.awaited] == ["data", "connectivity", "infrastructure"]
    journey, _ = answer(journey, a_yes("data"), COURSE, at=NOW)
    journey, _ = answer(journey, a_no("connectivity"), COURSE, at=NOW)
    journey, steps = answer(journey, a_yes("infrastructure"), COURSE, at=NOW)
    assert journey.state is State.REJECTED
    assert [reason.layer for reason in journey.reasons] == ["policy", "connectivity"]
    assert steps[-1].reasons == journey.reasons


def test_a_refusal_without_a_reason_is_still_a_refusal() -> None:
    journey, _ = a_journey()
    for party in ("policy", "data", "connectivity", "infrastructure"):
        given = a_yes(party) if party != "data" else replace(a_no("data"), reasons=())
        journey, _ = answer(journey, given, COURSE, at=NOW)
    assert journey.state is State.REJECTED
    assert [reason.layer for reason in journey.reasons] == ["data"]


def test_governances_own_reason_comes_back_with_those_of_the_layers() -> None:
    unknown = a_reason("governance", "UNKNOWN_INDICATOR")
    journey, steps = a_journey(unknown)
    assert journey.state is State.REFUSING
    assert len(asked(steps)[0][2]) == 4
    journey, _ = answer(journey, a_no("policy"), COURSE, at=NOW)
    journey, _ = all_clear(journey)
    assert journey.state is State.REJECTED
    assert [reason.code for reason in journey.reasons] == ["UNKNOWN_INDICATOR", "NO_FUNDS"]


def test_a_silent_layer_is_a_reason() -> None:
    journey, _ = answer(a_journey()[0], a_no("policy"), COURSE, at=NOW)
    journey, _ = expire(journey, at=NOW + LIMITS[Stage.CLEARING])
    assert journey.state is State.REJECTED
    assert [(reason.layer, reason.code) for reason in journey.reasons] == [
        ("policy", "NO_FUNDS"),
        ("data", "NO_ANSWER"),
        ("connectivity", "NO_ANSWER"),
        ("infrastructure", "NO_ANSWER"),
    ]


def test_nothing_expires_before_its_deadline() -> None:
    journey, _ = a_journey()
    assert expire(journey, at=NOW + LIMITS[Stage.CLEARING] - timedelta(microseconds=1)) == (journey, ())


def test_an_obligation_waits_for_an_officer() -> None:
    journey = deciding()
    assert journey.state is State.DECIDING
    assert [ask.party for ask in journey.awaited] == ["officer"]
    assert journey.until == NOW + LIMITS[Stage.DECIDING]


def test_an_approval_lets_it_go_on() -> None:
    journey, _ = decide(deciding(), approve=True, reason="the street is quiet", officer="officer-1", course=COURSE, at=NOW)
    assert journey.state is State.DEPLOYING


def test_an_officers_no_ends_it_with_the_officers_words() -> None:
    journey, steps = decide(deciding(), approve=False, reason="the street is closed all year", officer="officer-1", course=COURSE, at=NOW)
    assert journey.state is State.REJECTED
    assert journey.reasons == (Reason(layer="governance", code="OFFICER_REJECTED", message="the street is closed all year"),)
    assert (steps[0].kind, steps[0].actor) == (Happened.DECIDED, "officer-1")


def test_an_officer_who_does_not_decide_is_a_reason() -> None:
    journey, _ = expire(deciding(), at=NOW + LIMITS[Stage.DECIDING])
    assert [reason.code for reason in journey.reasons] == ["NO_DECISION"]


def test_deciding_what_waits_for_no_officer_is_refused() -> None:
    with pytest.raises(JourneyNotDeciding):
        decide(a_journey()[0], approve=True, reason="in advance", officer="officer-1", course=COURSE, at=NOW)


def test_a_clearance_that_went_stale_is_asked_for_again_at_approval() -> None:
    journey, _ = a_journey()
    journey, _ = answer(journey, a_yes("policy", Stage.CLEARING, 1, OFFICER_NEEDED, valid_until=NOW + timedelta(days=1)), COURSE, at=NOW)
    journey, _ = all_clear(journey)
    later = NOW + timedelta(days=2)
    journey, steps = decide(journey, approve=True, reason="fine", officer="officer-1", course=COURSE, at=later)
    assert journey.state is State.CLEARING
    assert asked(steps) == [(Stage.CLEARING, 2, ("policy",))]
    assert journey.until == later + LIMITS[Stage.CLEARING]
    journey, _ = answer(journey, a_yes("policy", Stage.CLEARING, 2, OFFICER_NEEDED), COURSE, at=later)
    assert journey.state is State.DEPLOYING


def test_a_clearance_that_is_never_fresh_ends_the_journey() -> None:
    journey, _ = a_journey()
    attempts = 0
    while not journey.ended:
        attempts += 1
        assert attempts <= 3
        journey, _ = all_clear(journey, valid_until=NOW)
    assert journey.state is State.REJECTED
    assert {reason.code for reason in journey.reasons} == {"CLEARANCE_STALE"}


def test_a_withdrawal_wins_over_answers_on_their_way() -> None:
    journey, _ = withdraw(a_journey()[0], reason="the boat sank", actor="member-1", at=NOW)
    assert journey.state is State.WITHDRAWN
    journey, steps = answer(journey, a_no("policy"), COURSE, at=NOW)
    assert journey.state is State.WITHDRAWN and journey.reasons == ()
    assert [step.kind for step in steps] == [Happened.ANSWERED_LATE]
    assert answer(journey, a_no("policy"), COURSE, at=NOW) == (journey, ())


def test_nothing_is_withdrawn_or_stopped_after_the_end() -> None:
    journey, _ = withdraw(a_journey()[0], reason="", actor="member-1", at=NOW)
    with pytest.raises(JourneyHasEnded):
        withdraw(journey, reason="", actor="member-1", at=NOW)
    with pytest.raises(JourneyHasEnded):
        stop(journey, a_reason("governance"), actor="officer-1", at=NOW)
    with pytest.raises(JourneyHasEnded):
        decide(journey, approve=True, reason="too late", officer="officer-1", course=COURSE, at=NOW)


def test_a_doubled_answer_changes_nothing() -> None:
    journey, _ = answer(a_journey()[0], a_yes("policy"), COURSE, at=NOW)
    assert answer(journey, a_no("policy"), COURSE, at=NOW) == (journey, ())


def test_an_answer_that_was_never_asked_for_changes_nothing() -> None:
    journey, _ = a_journey()
    assert answer(journey, a_yes("value_catalog", Stage.LISTING), COURSE, at=NOW) == (journey, ())
    assert answer(journey, a_yes("policy", Stage.CLEARING, 2), COURSE, at=NOW) == (journey, ())


def test_without_an_agreement_the_revenue_is_the_value_creators() -> None:
    journey, _ = a_journey()
    assert [(share.party, share.basis_points) for share in journey.shares] == [("creator-1", 10_000)]


def test_an_upgrade_passes_the_stages_of_a_launch_and_lets_the_old_version_drain() -> None:
    journey, steps = propose(a_proposal(kind=Kind.UPGRADE), (), COURSE, at=NOW)
    while not journey.ended:
        journey, steps = all_clear(journey)
    assert (journey.state, journey.replaces, journey.drain_until) == (State.LIVE, LIVE, NOW + COURSE.drain)
    assert steps[-1].kind is Happened.ENDED


def test_a_rejected_upgrade_drains_nothing() -> None:
    journey, _ = propose(a_proposal(kind=Kind.UPGRADE), (), COURSE, at=NOW)
    journey, _ = answer(journey, a_no("infrastructure"), COURSE, at=NOW)
    journey, _ = all_clear(journey)
    assert (journey.state, journey.drain_until) == (State.REJECTED, None)


def test_a_retirement_asks_every_layer_at_once_and_ends_when_all_have_let_go() -> None:
    journey, steps = a_retirement()
    assert [step.kind for step in steps] == [Happened.RETIREMENT, Happened.ASKED]
    assert asked(steps) == [(Stage.RETIRING, 1, ("policy", "data", "connectivity", "infrastructure", "value_catalog", "innovation"))]
    journey, _ = all_clear(journey)
    assert (journey.state, journey.reasons, journey.until) == (State.RETIRED, (), None)


def test_a_layer_that_objects_to_a_retirement_is_noted_and_does_not_stop_it() -> None:
    journey, _ = answer(a_retirement()[0], a_no("data", Stage.RETIRING), COURSE, at=NOW)
    assert journey.state is State.RETIRING
    journey, _ = all_clear(journey)
    assert journey.state is State.RETIRED
    assert [reason.layer for reason in journey.reasons] == ["data"]


def test_a_retirement_ends_at_its_deadline_and_names_the_silent_layers() -> None:
    journey, _ = answer(a_retirement()[0], a_yes("policy", Stage.RETIRING), COURSE, at=NOW)
    journey, _ = expire(journey, at=NOW + LIMITS[Stage.RETIRING])
    assert journey.state is State.RETIRED
    assert [(reason.layer, reason.code) for reason in journey.reasons] == [
        (layer, "NO_ANSWER") for layer in ("data", "connectivity", "infrastructure", "value_catalog", "innovation")
    ]
    late, steps = answer(journey, a_yes("data", Stage.RETIRING), COURSE, at=NOW + 2 * LIMITS[Stage.RETIRING])
    assert [step.kind for step in steps] == [Happened.ANSWERED_LATE] and late.reasons == journey.reasons


def test_a_retirement_is_neither_withdrawn_nor_stopped_by_a_suspension() -> None:
    journey, _ = a_retirement()
    with pytest.raises(RetirementIsFinal):
        withdraw(journey, reason="", actor="founder-1", at=NOW)
    assert stop(journey, a_reason(), actor="officer-1", at=NOW) == (journey, ())


def test_in_a_city_whose_layers_take_no_part_a_retirement_ends_at_once() -> None:
    journey, steps = a_retirement(course=Course(layers=frozenset(), limits=LIMITS))
    assert journey.state is State.RETIRED
    assert [step.kind for step in steps] == [Happened.RETIREMENT, Happened.SKIPPED, Happened.ENDED]
