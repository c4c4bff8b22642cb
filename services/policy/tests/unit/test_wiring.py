"""Policy put together: every RPC of its contract is answered, every reason it gives is in its contract."""

from pathlib import Path

import pytest
from city.policy.v1 import errors_pb2
from stratapolis.chassis import contract
from stratapolis.chassis.errors import Refused
from stratapolis.chassis.rpc.client import Peers
from stratapolis.chassis.rpc.method import methods
from stratapolis.chassis.settings import WrongSettings
from stratapolis.policy.domain import errors
from stratapolis.policy.rpc.policies import founding
from stratapolis.policy.settings import Settings
from stratapolis.policy.wiring import app

FOLDER = Path(errors.__file__).parents[1]
REASONS = {name.removeprefix("ERROR_REASON_") for name in errors_pb2.ErrorReason.keys()} - {"UNSPECIFIED"}  # noqa: SIM118 - no mapping, an enum


def test_every_rpc_of_the_contract_is_answered() -> None:
    answered = {method.full_name for answers in app(1_000, Peers({}, None)).answers for method in methods(answers)}  # type: ignore[arg-type]
    ours = {
        method.full_name
        for file in contract.files()
        if file.package == "city.policy.v1"
        for service in file.services_by_name.values()
        for method in service.methods
    }
    assert ours < answered
    assert "city.journey.v1.HoldsService.ListHolds" in answered


def test_every_refusal_has_a_reason_of_the_contract_and_every_reason_is_given() -> None:
    refusals = {one.reason for one in vars(errors).values() if isinstance(one, type) and issubclass(one, Refused) and one is not Refused}
    assert refusals <= REASONS
    sources = [
        founding(),
        *(path.read_text() for path in (FOLDER / "domain").glob("*.py")),
        (FOLDER / "rules.py").read_text(),
        (FOLDER / "handlers.py").read_text(),
    ]
    assert [reason for reason in sorted(REASONS) if not any(f'"{reason}"' in text for text in sources)] == []


@pytest.mark.parametrize("amount", ["-1", "much"])
def test_a_setting_that_cannot_be_used_is_named(amount: str) -> None:
    with pytest.raises(WrongSettings, match="CITY_POLICY_APPROVAL_ABOVE"):
        Settings.read({"CITY_POLICY_APPROVAL_ABOVE": amount})
