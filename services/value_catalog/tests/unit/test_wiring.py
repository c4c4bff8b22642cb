"""value_catalog put together: every RPC of its contract is answered, every reason it gives is in its contract."""

from pathlib import Path

import pytest
from city.value_catalog.v1 import errors_pb2
from stratapolis.chassis import contract
from stratapolis.chassis.app import On
from stratapolis.chassis.errors import Refused
from stratapolis.chassis.rpc.method import methods
from stratapolis.chassis.settings import WrongSettings
from stratapolis.value_catalog.domain import errors
from stratapolis.value_catalog.settings import Settings
from stratapolis.value_catalog.wiring import app

FOLDER = Path(errors.__file__).parent
REASONS = {name.removeprefix("ERROR_REASON_") for name in errors_pb2.ErrorReason.keys()} - {"UNSPECIFIED"}  # noqa: SIM118 - no mapping, an enum


def test_every_rpc_of_the_contract_is_answered() -> None:
    answered = {method.full_name for answers in app().answers for method in methods(answers)}
    ours = {
        method.full_name
        for file in contract.files()
        if file.package == "city.value_catalog.v1"
        for service in file.services_by_name.values()
        for method in service.methods
    }
    assert ours < answered
    assert "city.journey.v1.HoldsService.ListHolds" in answered


def test_the_contract_lets_it_hear_all_that_it_hears() -> None:
    heard = [on for on in app().hears if isinstance(on, On)]
    assert all(contract.topics_of(on.event, reader="value_catalog") for on in heard) and len(heard) == 15


def test_every_refusal_has_a_reason_of_the_contract_and_every_reason_is_given() -> None:
    refusals = {one.reason for one in vars(errors).values() if isinstance(one, type) and issubclass(one, Refused) and one is not Refused}
    assert refusals <= REASONS
    sources = [path.read_text() for path in FOLDER.glob("*.py")]
    assert [reason for reason in sorted(REASONS) if not any(f'"{reason}"' in text for text in sources)] == []


@pytest.mark.parametrize("seconds", ["0", "never"])
def test_a_setting_that_cannot_be_used_is_named(seconds: str) -> None:
    with pytest.raises(WrongSettings, match="CITY_VALUE_CATALOG_OVERDUE_SECONDS"):
        Settings.read({"CITY_VALUE_CATALOG_OVERDUE_SECONDS": seconds})
