"""The founding set: it fits the contract, lets in whom the contract lets in, and forbids what must never be."""

from collections.abc import Iterator

import pytest
from city.options.v1 import options_pb2
from google.protobuf.descriptor import MethodDescriptor
from stratapolis.chassis import contract
from stratapolis.chassis.identity import Caller
from stratapolis.policy import actions
from stratapolis.policy.domain.assessment import Creator, Fact, facts
from stratapolis.policy.rpc.policies import founding
from stratapolis.policy.rules import Rules

from services.policy.tests.builders import ADA, FACTS, OLGA, a_caller, a_proposal, known

RULES = Rules.parse(founding(), version=1)
RESIDENT = a_caller("rosa")
SYSTEM = a_caller("system:guide", creator="acme", creator_roles=("member",), kind="system")
OPERATOR = a_caller("otto", roles=("operator",))
THING = a_caller("sensor-1", creator="acme", kind="thing", creator_roles=("admin",), roles=("officer", "operator"))
SUSPENDED = a_caller("ada", creator="acme", creator_roles=("admin", "suspended"))
ACME = Creator(creator_id="acme")
POLICED = sorted(pair for pair in actions.writes() if pair != actions.INGRESS)


def methods() -> Iterator[tuple[str, MethodDescriptor]]:
    """Each policed RPC, once for every layer that answers it."""
    for file in contract.files():
        for service in file.services_by_name.values():
            for method in service.methods:
                if not method.GetOptions().Extensions[options_pb2.access].unpoliced:
                    yield from (
                        (layer, method) for layer, rpc in POLICED if rpc == method.name and (file.package in actions.EVERY_LAYER or layer in file.package)
                    )


def let_in(method: MethodDescriptor) -> Iterator[Caller]:
    """Somebody for each way in that the contract has."""
    access = method.GetOptions().Extensions[options_pb2.access]
    for way in access.allow:
        if way == options_pb2.CALLER_AUTHENTICATED:
            yield RESIDENT
        elif way == options_pb2.CALLER_OWNER:
            yield ADA
        elif way == options_pb2.CALLER_ROLE:
            yield from (a_caller("somebody", roles=(role,)) for role in access.roles)


@pytest.mark.parametrize(("layer", "method"), [pytest.param(layer, method, id=f"{layer}.{method.name}") for layer, method in methods()])
def test_whom_the_contract_lets_in_the_founding_set_lets_in(layer: str, method: MethodDescriptor) -> None:
    denied = [caller for caller in let_in(method) if not RULES.decide(caller, layer, method.name).allowed]
    assert denied == [], "give it a rule in founding.cedar"


@pytest.mark.parametrize(("layer", "rpc"), POLICED)
def test_a_thing_may_do_nothing_whatever_its_roles(layer: str, rpc: str) -> None:
    decision = RULES.decide(THING, layer, rpc)
    assert not decision.allowed and decision.policy_ids == ("things-only-send",)


def test_a_thing_may_send_and_nobody_else() -> None:
    assert RULES.decide(THING, *actions.INGRESS).allowed
    assert not RULES.decide(RESIDENT, *actions.INGRESS).allowed


@pytest.mark.parametrize(("layer", "rpc"), POLICED)
def test_members_of_a_suspended_creator_read_and_change_nothing(layer: str, rpc: str) -> None:
    decision = RULES.decide(SUSPENDED, layer, rpc)
    assert decision.allowed is not actions.writes()[layer, rpc]


@pytest.mark.parametrize(
    ("caller", "layer", "rpc", "allowed"),
    [
        (RESIDENT, "governance", "ProposeService", False),
        (ADA, "governance", "ProposeService", True),
        (SYSTEM, "governance", "ProposeService", True),
        (ADA, "governance", "DecideProposal", False),
        (OLGA, "governance", "DecideProposal", True),
        (OPERATOR, "governance", "DecideProposal", False),
        (ADA, "policy", "RegisterFundingSource", False),
        (OLGA, "policy", "RegisterFundingSource", True),
        (OLGA, "governance", "RedriveDeadLetter", True),
        (ADA, "governance", "RedriveDeadLetter", False),
        (OPERATOR, "governance", "RedriveDeadLetter", True),
        (OPERATOR, "infrastructure", "RegisterPool", True),
        (OLGA, "infrastructure", "RegisterPool", False),
        (RESIDENT, "governance", "RegisterValueCreator", True),
        (SYSTEM, "governance", "RegisterValueCreator", False),
        (RESIDENT, "innovation", "SubmitIdea", True),
        (SYSTEM, "innovation", "SupportIdea", False),
        (RESIDENT, "innovation", "BookPilot", False),
        (ADA, "innovation", "BookPilot", True),
        (ADA, "innovation", "GraduateIdea", False),
        (OLGA, "innovation", "GraduateIdea", True),
        (OPERATOR, "innovation", "RedriveDeadLetter", True),
    ],
)
def test_who_does_what(caller: Caller, layer: str, rpc: str, *, allowed: bool) -> None:
    assert RULES.decide(caller, layer, rpc).allowed is allowed


def test_a_decision_names_its_rule_and_its_version() -> None:
    decision = RULES.decide(ADA, "governance", "ProposeService")
    assert (decision.policy_ids, decision.version) == (("members-propose",), 1)


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({}, []),
        ({"has_software": True}, ["ACCESSIBILITY_STATEMENT_MISSING"]),
        ({"has_software": True, "accessibility_statement": True}, []),
        ({"personal_data": True}, ["PRIVACY_ASSESSMENT_MISSING"]),
        ({"has_software": True, "personal_data": True}, ["ACCESSIBILITY_STATEMENT_MISSING", "PRIVACY_ASSESSMENT_MISSING"]),
        ({"personal_data": True, "impact_assessment": True}, []),
    ],
)
def test_what_a_proposal_lacks_is_told_at_once(changes: dict[str, Fact], codes: list[str]) -> None:
    assert [finding.code for finding in RULES.rule(ACME, "guide", _facts(**changes)).findings] == codes


@pytest.mark.parametrize(
    ("changes", "obliged"),
    [
        ({}, []),
        ({"partnership": True}, ["OFFICER_APPROVAL"]),
        ({"funding_units": 1_000}, []),
        ({"funding_units": 1_001}, ["OFFICER_APPROVAL"]),
        ({"personal_data": True, "impact_assessment": True, "partnership": True}, ["OFFICER_APPROVAL"]),
    ],
)
def test_an_officer_approves_what_is_large_shared_or_personal(changes: dict[str, Fact], obliged: list[str]) -> None:
    assert [obligation.code for obligation in RULES.rule(ACME, "guide", _facts(**changes)).obligations] == obliged


def test_a_suspended_creator_proposes_nothing() -> None:
    ruling = RULES.rule(Creator(creator_id="acme", suspended=True), "guide", _facts())
    assert [finding.code for finding in ruling.findings] == ["CREATOR_SUSPENDED"]


def _facts(**changes: Fact) -> dict[str, Fact]:
    return facts(a_proposal(facts=FACTS), known(), approval_above=1_000) | changes
