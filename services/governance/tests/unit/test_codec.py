"""What goes over the wire comes back, every field."""

from dataclasses import fields, replace
from datetime import UTC
from itertools import pairwise
from typing import Any

import pytest
from city.governance.v1.events_pb2 import StageRequested
from city.journey.v1 import journey_pb2 as pb
from city.manifest.v1.manifest_pb2 import Manifest, Metadata
from hypothesis import given
from hypothesis import strategies as st
from stratapolis.chassis.errors import Permanent
from stratapolis.chassis.times import to_timestamp
from stratapolis.governance.codec import creators, words
from stratapolis.governance.codec.journeys import answer_of, events, shown, step_shown
from stratapolis.governance.domain.step import Answer, Ask, Happened, Held, Kind, Obligation, Reason, Share, Stage, Step
from stratapolis.governance.store.journeys import ASKS, REASONS, STEP

from services.governance.tests.unit.builders import LIVE, NOW, a_journey, all_clear

TEXT = st.text(max_size=20)
TIMES = st.datetimes(timezones=st.just(UTC))
REASON = st.builds(Reason, layer=TEXT, code=TEXT, field_path=TEXT, message=TEXT, hint=TEXT)
HELD = st.builds(Held, kind=TEXT, reference=TEXT, amount=TEXT)
OBLIGATION = st.builds(Obligation, code=TEXT, message=TEXT)


def several(one: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(one, max_size=3).map(tuple)


def shares(cuts: list[int]) -> tuple[Share, ...]:
    """The parts between cuts of 10 000 basis points."""
    edges = [0, *sorted(cuts), 10_000]
    return tuple(Share(party=f"creator-{n}", basis_points=high - low) for n, (low, high) in enumerate(pairwise(edges)))


SHARES = st.just(()) | st.lists(st.integers(0, 10_000), max_size=3).map(shares)
ANSWER = st.builds(
    Answer,
    party=TEXT,
    stage=st.sampled_from([stage for stage in Stage if stage is not Stage.DECIDING]),
    attempt=st.integers(1, 9),
    cleared=st.booleans(),
    reasons=several(REASON),
    held=several(HELD),
    obligations=several(OBLIGATION),
    shares=SHARES,
    valid_until=st.none() | TIMES,
    decided_on=TEXT,
    endpoint=TEXT,
)
ASK = st.builds(Ask, party=TEXT, stage=st.sampled_from(Stage), attempt=st.integers(1, 9), since=TIMES, until=TIMES, answer=st.none() | ANSWER)
STEPS = st.builds(Step, reasons=several(REASON), held=several(HELD), obligations=several(OBLIGATION), parties=several(TEXT), at=TIMES, until=st.none() | TIMES)


def said(answer: Answer) -> pb.StageAnswered:
    """An answer as a layer says it."""
    return pb.StageAnswered(
        layer=answer.party,
        stage=words.STAGES[answer.stage],
        attempt=answer.attempt,
        outcome=words.outcome(answer.cleared),
        reasons=words.reasons(answer.reasons),
        held=words.held(answer.held),
        obligations=words.obligations(answer.obligations),
        shares=words.shares(answer.shares),
        valid_until_time=None if answer.valid_until is None else to_timestamp(answer.valid_until),
        decided_on=answer.decided_on,
        endpoint=answer.endpoint,
    )


@given(ANSWER)
def test_every_field_of_an_answer_survives_the_wire(answer: Answer) -> None:
    assert answer_of(pb.StageAnswered.FromString(said(answer).SerializeToString())) == answer


@given(st.lists(ASK, max_size=3).map(tuple), several(REASON), STEPS)
def test_every_field_survives_the_database(asks: tuple[Ask, ...], reasons: tuple[Reason, ...], step: Step) -> None:
    assert ASKS.validate_python(ASKS.dump_python(asks, mode="json", exclude_defaults=True)) == asks
    assert REASONS.validate_python(REASONS.dump_python(reasons, mode="json")) == reasons
    assert STEP.validate_python(STEP.dump_python(step, mode="json", exclude_defaults=True)) == step


@pytest.mark.parametrize("field", ["stage", "outcome"])
def test_an_answer_without_its_core_is_permanently_wrong(field: str) -> None:
    event = said(Answer(party="policy", stage=Stage.CLEARING, attempt=1, cleared=True))
    event.ClearField(field)  # type: ignore[arg-type]
    with pytest.raises(Permanent):
        answer_of(event)


def test_shares_that_are_no_whole_are_permanently_wrong() -> None:
    given = Answer(party="policy", stage=Stage.CLEARING, attempt=1, cleared=True, shares=(Share(party="city", basis_points=9_999),))
    with pytest.raises(Permanent, match="10000"):
        answer_of(said(given))


def test_no_layer_decides_in_an_officers_place() -> None:
    with pytest.raises(Permanent):
        answer_of(pb.StageAnswered(layer="officer", stage=pb.STAGE_DECIDING, attempt=1, outcome=pb.OUTCOME_CLEARED))


def test_every_word_has_one_on_the_wire() -> None:
    pairs: list[tuple[Any, Any]] = [
        (words.STAGES, words.STAGE_OF),
        (words.STATES, words.STATE_OF),
        (creators.KINDS, creators.KIND_OF),
        (creators.STATES, creators.STATE_OF),
        (creators.ROLES, creators.ROLE_OF),
    ]
    for there, back in pairs:
        assert all(back[number] is word for word, number in there.items()) and len(there) == len(back)
    assert set(words.KINDS) == set(Happened)


def test_a_question_carries_the_manifest_and_who_is_asked() -> None:
    journey, steps = a_journey()
    (_, requested) = events(journey, steps, Manifest(metadata=Metadata(name="rowing-lessons")))
    assert isinstance(requested, StageRequested)
    assert (requested.manifest.metadata.name, len(requested.layers), requested.attempt) == ("rowing-lessons", 4, 1)
    assert [field.name for field, _ in requested.ListFields() if field.name in {"shares", "endpoint"}] == []


def test_after_clearing_a_question_carries_the_shares() -> None:
    journey, steps = all_clear(a_journey()[0])
    (requested,) = events(journey, steps, Manifest())
    assert [(share.party, share.basis_points) for share in requested.shares] == [("creator-1", 10_000)]  # type: ignore[attr-defined]


def test_what_is_shown_has_every_field_that_the_contract_has() -> None:
    journey, steps = a_journey(Reason(layer="governance", code="UNKNOWN_INDICATOR"))
    upgrade = replace(journey, kind=Kind.UPGRADE, replaces=LIVE, drain_until=NOW)
    set_fields = {field.name for field, _ in shown(upgrade).ListFields()}
    assert set_fields >= {field for field in shown(journey).DESCRIPTOR.fields_by_name if field not in {"obligations", "shares", "endpoint", "ended_time"}}
    assert {field.name for field in fields(Step)} - {"at", "until", "cleared"} <= set(step_shown(steps[0]).DESCRIPTOR.fields_by_name)
