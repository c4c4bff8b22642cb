"""Policy sets: what is wrong with a text is found when it is published, and what cannot be evaluated denies."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from stratapolis.policy.codec.proposals import facts as facts_of
from stratapolis.policy.domain.assessment import Creator, facts
from stratapolis.policy.domain.errors import PolicyNotValid
from stratapolis.policy.rules import Rules

from services.policy.tests.builders import ADA, FACTS, a_manifest, a_proposal, known

ACME = Creator(creator_id="acme", kind="company")
PERMIT = '@id("all") permit (principal is Creator, action == Action::"Propose", resource);'
ALL_FACTS = facts(a_proposal(), known(), approval_above=1_000)


def codes(text: str, **changes: Any) -> list[str]:
    ruling = Rules.parse(text, version=1).rule(ACME, "guide", ALL_FACTS | changes)
    return [finding.code for finding in ruling.findings]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("permit (", "unexpected"),
        ("permit (principal, action, resource);", "no @id"),
        ('@id("a") permit (principal, action, resource); @id("a") forbid (principal, action, resource);', "given twice"),
        ('@id("a") permit (principal == ?principal, action, resource);', "template"),
        ('@id("typo") permit (principal, action == Action::"governance.ProposeServce", resource);', "ProposeServce"),
        ('@id("typo") permit (principal is Caller, action, resource) when { principal.rolls.contains("x") };', "rolls"),
        ('@id("typo") forbid (principal, action == Action::"Propose", resource) when { context.wcag > 1 };', "wcag"),
        ('@id("typo") permit (principal is Usr, action, resource);', "Usr"),
    ],
)
def test_a_faulty_text_is_refused_and_the_fault_named(text: str, said: str) -> None:
    with pytest.raises(PolicyNotValid) as refused:
        Rules.parse(text, version=1)
    assert said in refused.value.message


def test_all_faults_of_a_text_are_told_by_the_ids_of_their_rules() -> None:
    text = '@id("one") permit (principal, action == Action::"x.Y", resource); @id("two") permit (principal, action == Action::"z.Z", resource);'
    with pytest.raises(PolicyNotValid) as refused:
        Rules.parse(text, version=1)
    assert "[one]" in refused.value.message and "[two]" in refused.value.message


def test_without_a_permit_nothing_is_proposed() -> None:
    assert codes('@id("other") permit (principal is Caller, action, resource);') == ["PROPOSAL_NOT_PERMITTED"]
    assert codes(PERMIT) == []


def test_each_forbid_that_applies_is_a_reason_with_its_annotations() -> None:
    text = f"""{PERMIT}
        @id("B") @field("spec.b") @message("no b") @hint("add b") forbid (principal, action == Action::"Propose", resource) when {{ context.free }};
        @id("A") forbid (principal, action == Action::"Propose", resource) when {{ context.category == "mobility" }};
        @id("C") forbid (principal, action == Action::"Propose", resource) when {{ context.has_software }};"""
    ruling = Rules.parse(text, version=7).rule(ACME, "guide", ALL_FACTS)
    assert [(f.code, f.field_path, f.message, f.hint) for f in ruling.findings] == [("A", "", "A", ""), ("B", "spec.b", "no b", "add b")]
    assert ruling.version == 7


def test_rules_may_ask_for_the_creators_kind() -> None:
    text = f'{PERMIT} @id("NO_COMPANY") forbid (principal is Creator, action == Action::"Propose", resource) when {{ principal.kind == "company" }};'
    assert codes(text) == ["NO_COMPANY"]


def test_obliging_permits_nothing() -> None:
    text = '@id("x") @obligation("OFFICER_APPROVAL") permit (principal is Creator, action == Action::"Oblige", resource);'
    ruling = Rules.parse(text, version=1).rule(ACME, "guide", ALL_FACTS)
    assert [finding.code for finding in ruling.findings] == ["PROPOSAL_NOT_PERMITTED"]


def test_rules_that_oblige_to_the_same_make_one_obligation_with_all_their_messages() -> None:
    oblige = '@id("{0}") @obligation("AUDIT") @message("{0} says so") permit (principal is Creator, action == Action::"Oblige", resource);'
    ruling = Rules.parse(PERMIT + oblige.format("first") + oblige.format("second"), version=1).rule(ACME, "guide", ALL_FACTS)
    assert [(o.code, o.message) for o in ruling.obligations] == [("AUDIT", "first says so; second says so")]


def test_a_rule_that_cannot_be_evaluated_denies() -> None:
    text = f'{PERMIT} @id("A") forbid (principal, action == Action::"Propose", resource) when {{ context.has_software }};'
    lacking = {name: fact for name, fact in ALL_FACTS.items() if name != "has_software"}
    ruling = Rules.parse(text, version=1).rule(ACME, "guide", lacking)
    assert [finding.code for finding in ruling.findings] == ["PROPOSAL_NOT_PERMITTED"]


def test_what_was_published_under_an_older_contract_permits_what_there_still_is() -> None:
    text = '@id("old") permit (principal, action in [Action::"governance.Gone", Action::"governance.ProposeService"], resource);'
    with pytest.raises(PolicyNotValid):
        Rules.parse(text, version=1)
    assert Rules.published(text, version=1).decide(ADA, "governance", "ProposeService").allowed


def test_a_manifest_has_the_facts_that_the_schema_names() -> None:
    assert facts_of(a_manifest()) == FACTS


@settings(max_examples=30)
@given(some.text(max_size=30), some.text(max_size=30))
def test_no_name_breaks_a_decision(creator: str, name: str) -> None:
    ruling = Rules.parse(PERMIT, version=1).rule(Creator(creator_id=creator), name, ALL_FACTS | {"data_products": [name]})
    assert ruling.findings == ()
