"""Innovation put together: every RPC of its contract is answered, every reason it gives is in its contract, every word has its number."""

from datetime import date
from pathlib import Path

import pytest
from city.innovation.v1 import errors_pb2, idea_pb2, pilot_pb2, programme_pb2, training_service_pb2
from city.innovation.v1.challenge_service_pb2 import ChallengeSource
from stratapolis.chassis import contract
from stratapolis.chassis.app import On
from stratapolis.chassis.errors import InvalidField, Refused
from stratapolis.chassis.rpc.method import methods
from stratapolis.innovation.codec import challenges, ideas, pilots, programmes, trainings, words
from stratapolis.innovation.domain import errors
from stratapolis.innovation.wiring import app

from services.innovation.tests.builders import BAD, CALENDAR

SOURCES = Path(errors.__file__).parents[2]
REASONS = {name.removeprefix("ERROR_REASON_") for name in errors_pb2.ErrorReason.keys()} - {"UNSPECIFIED"}  # noqa: SIM118 - no mapping, an enum
APP = app(CALENDAR, BAD, city="lakeside")


def test_every_rpc_of_the_contract_is_answered() -> None:
    answered = {method.full_name for answers in APP.answers for method in methods(answers)}
    ours = {
        method.full_name
        for file in contract.files()
        if file.package == "city.innovation.v1"
        for service in file.services_by_name.values()
        for method in service.methods
    }
    assert ours | {"city.journey.v1.HoldsService.ListHolds"} == answered and len(ours) > 40


def test_the_contract_lets_it_hear_all_that_it_hears() -> None:
    heard = [on for on in APP.hears if isinstance(on, On)]
    assert all(contract.topics_of(on.event, reader="innovation") for on in heard) and len(heard) == 8


def test_every_event_of_the_contract_is_said() -> None:
    said = "".join(path.read_text() for path in SOURCES.glob("codec/*.py"))
    assert [
        name
        for name in contract.topics()["city.innovation.v1"].types
        if name.startswith("city.innovation.") and f"events_pb2.{name.rpartition('.')[2]}(" not in said
    ] == []


def test_every_refusal_has_a_reason_of_the_contract_and_is_raised() -> None:
    refusals = {name: one for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, Refused)}
    assert {one.reason for one in refusals.values()} == REASONS
    sources = "".join(path.read_text() for path in SOURCES.rglob("*.py"))
    assert [name for name in refusals if f"raise {name}(" not in sources] == []


def test_every_word_of_the_domain_has_its_number_and_back() -> None:
    for numbers, enum in (
        (programmes.KINDS, programme_pb2.ProgrammeKind), (challenges.SOURCES, ChallengeSource), (ideas.STATES, idea_pb2.IdeaState),
        (ideas.KINDS, idea_pb2.IdeaStepKind), (pilots.STATES, pilot_pb2.PilotState), (pilots.COMPARISONS, pilot_pb2.Comparison),
        (pilots.VERDICTS, pilot_pb2.Verdict), (trainings.STATES, training_service_pb2.EnrolmentState),
    ):  # fmt: skip
        assert set(numbers.values()) == set(enum.values()) - {0}


@pytest.mark.parametrize("text", ["2026-02-30", "0000-00-00", "1899-12-31", "9001-01-01", "2026-1-1", ""])
def test_what_is_no_day_names_its_field(text: str) -> None:
    with pytest.raises(InvalidField) as refused:
        words.day(text, "start_date")
    assert refused.value.details["field"] == "start_date"
    assert words.day("2026-02-28", "start_date") == date(2026, 2, 28)
