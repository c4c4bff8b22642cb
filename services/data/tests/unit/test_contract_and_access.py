"""What a use comes to, and who is let in."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stratapolis.chassis.errors import Refused
from stratapolis.data.domain.access import Reader, may_read
from stratapolis.data.domain.contract import Contract, ContractState, Use, expire, grant, judge, revoke
from stratapolis.data.domain.product import Classification, ProductState, retention

from services.data.tests.builders import DAY, HOUR, NOW, a_contract, a_product

SYSTEM = Reader(subject="system:service-1", kind="system", owners=("acme", "system:service-1"))
PURPOSE = "warn of bad air"


def a_use(**changes: str) -> Use:
    return Use(**({"product": "air", "purpose": PURPOSE, "start": "", "end": "2027-01-01"} | changes))


def reasons(use: Use, **changes: object) -> list[str]:
    return [refusal.reason for refusal in judge(use, a_product(**changes), consumer="acme", at=NOW)[1]]


def test_a_use_runs_by_days_of_the_products_zone() -> None:
    terms, wrong = judge(a_use(start="2026-06-01", end="2026-12-01"), a_product(), consumer="acme", at=NOW)
    assert not wrong and terms is not None
    assert (terms.start_at.isoformat(), terms.end_at.isoformat()) == ("2026-05-31T22:00:00+00:00", "2026-11-30T23:00:00+00:00")


def test_a_use_without_a_start_begins_now() -> None:
    terms, _ = judge(a_use(), a_product(), consumer="acme", at=NOW)
    assert terms is not None and terms.start_at == NOW


def test_personal_data_are_not_to_be_had() -> None:
    assert reasons(a_use(), classification=Classification.PERSONAL) == ["CONSENT_NOT_AVAILABLE"]


def test_a_draft_is_no_product_to_others() -> None:
    assert reasons(a_use(), state=ProductState.DRAFT) == ["UNKNOWN_PRODUCT"]


def test_a_product_shared_with_some_is_refused_to_others_and_an_open_one_is_not() -> None:
    assert reasons(a_use(), consumers=("beta",)) == ["CONTRACT_REFUSED"]
    assert reasons(a_use(), consumers=("beta", "acme")) == []
    assert reasons(a_use(), consumers=("beta",), classification=Classification.OPEN) == []


def test_all_that_is_wrong_is_said_at_once() -> None:
    assert reasons(a_use(purpose=" ", start="2026-02-30", end="2026-13-01"), consumers=("beta",)) == [
        "CONTRACT_REFUSED", "PURPOSE_MISSING", "NO_SUCH_DATE", "NO_SUCH_DATE",
    ]  # fmt: skip


@given(st.lists(st.sampled_from(("grant", "revoke", "expire")), max_size=8))
def test_a_contract_that_is_over_never_comes_back(steps: list[str]) -> None:
    contract = a_contract(state=ContractState.HELD)
    over: Contract | None = None
    for step in steps:
        outcomes = {"grant": grant(contract), "revoke": revoke(contract, "why"), "expire": expire(contract, at=NOW + 2 * DAY)}
        contract = outcomes[step]
        if over is not None:
            assert contract is over
        elif contract.state in (ContractState.REVOKED, ContractState.ENDED, ContractState.RELEASED):
            over = contract


def test_a_contract_ends_at_its_end_and_not_before() -> None:
    assert expire(a_contract(), at=NOW + DAY - HOUR).state is ContractState.GRANTED
    assert expire(a_contract(), at=NOW + DAY).state is ContractState.ENDED


@pytest.mark.parametrize(
    ("contracts", "purpose", "connected", "reason"),
    [
        ([a_contract()], PURPOSE, False, "CONNECTION_NOT_TRUSTED"),
        ([], PURPOSE, True, "CONTRACT_MISSING"),
        ([a_contract()], " ", True, "PURPOSE_MISSING"),
        ([a_contract()], "advertising", True, "PURPOSE_NOT_GRANTED"),
        ([a_contract(state=ContractState.HELD)], PURPOSE, True, "CONTRACT_NOT_GRANTED"),
        ([a_contract(start_at=NOW + HOUR)], PURPOSE, True, "CONTRACT_NOT_GRANTED"),
        ([a_contract(end_at=NOW)], PURPOSE, True, "CONTRACT_ENDED"),
        ([a_contract(state=ContractState.REVOKED)], PURPOSE, True, "CONTRACT_ENDED"),
        ([a_contract(state=ContractState.RELEASED)], PURPOSE, True, "CONTRACT_ENDED"),
    ],
)
def test_a_service_is_let_in_only_by_a_running_contract(contracts: list[Contract], purpose: str, connected: bool, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        may_read(a_product(), SYSTEM, purpose=purpose, connected=connected, contracts=contracts, at=NOW)
    assert caught.value.reason == reason


def test_the_contract_that_runs_longest_counts_and_case_and_spacing_of_a_purpose_do_not() -> None:
    longer = a_contract(contract_id="longer", end_at=NOW + 2 * DAY)
    over = replace(longer, contract_id="over", state=ContractState.REVOKED)
    found = may_read(a_product(), SYSTEM, purpose=" Warn of  BAD air", connected=True, contracts=[a_contract(), longer, over], at=NOW)
    assert found.contract == longer


def test_a_service_of_the_products_owner_needs_a_contract_too() -> None:
    own = Reader(subject="system:service-2", kind="system", owners=("meteo", "system:service-2"))
    with pytest.raises(Refused) as caught:
        may_read(a_product(), own, purpose="", connected=True, contracts=[], at=NOW)
    assert caught.value.reason == "CONTRACT_MISSING"


def test_a_person_named_like_a_system_is_no_system() -> None:
    with pytest.raises(Refused) as caught:
        may_read(a_product(), replace(SYSTEM, kind="person"), purpose=PURPOSE, connected=True, contracts=[a_contract()], at=NOW)
    assert caught.value.reason == "CONTRACT_MISSING"


def test_the_longest_retention_holds() -> None:
    short, long, ever = a_product(retention_days=3), a_product(retention_days=30), a_product(retention_days=0)
    assert (retention((short, long)), retention((short, ever)), retention(())) == (30, None, None)
