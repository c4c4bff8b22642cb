"""What a proposal needs: all reasons at once, none of which a city may waive; and what it is cleared with."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from stratapolis.policy.domain.agreement import Share
from stratapolis.policy.domain.assessment import Finding, FundingAsk, Known, Obligation, Proposal, Ruling, assess, whole_units

from services.policy.tests.builders import DAY, NOW, a_proposal, a_source, an_agreement, known

APPROVAL = Ruling(version=3, obligations=(Obligation(code="OFFICER_APPROVAL", message="large"),))


def an_ask(amount: str = "10", source: str = "grant-1") -> FundingAsk:
    return FundingAsk(source_id=source, amount=Decimal(amount))


def found(proposal: Proposal, about: Known, ruling: Ruling = APPROVAL) -> list[tuple[str, str]]:
    return [(finding.code, finding.field_path) for finding in assess(proposal, about, ruling, at=NOW).findings]


def test_a_proposal_that_needs_nothing_is_cleared_for_good_and_keeps_its_revenue() -> None:
    assessment = assess(a_proposal(), known(), Ruling(version=3), at=NOW)
    assert (assessment.findings, assessment.obligations, assessment.valid_until, assessment.version) == ((), (), None, 3)
    assert assessment.shares == (Share(party="acme", basis_points=10_000),)


def test_a_clearance_has_the_agreements_shares_and_stands_until_the_first_end() -> None:
    agreement, source = an_agreement(), a_source()
    assessment = assess(a_proposal(agreement_id="agreement-1", funding=(an_ask(),)), known(agreement, source), APPROVAL, at=NOW)
    assert assessment.findings == () and assessment.obligations == APPROVAL.obligations
    assert assessment.shares == agreement.shares
    assert assessment.valid_until == source.end_at < agreement.end_at


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"signed": False}, "AGREEMENT_NOT_SIGNED", "spec.partnership.agreement"),
        ({"start_at": NOW + DAY}, "AGREEMENT_NOT_BEGUN", "spec.partnership.agreement"),
        ({"start_at": NOW - 3 * DAY, "end_at": NOW, "at": NOW - 2 * DAY}, "AGREEMENT_ENDED", "spec.partnership.agreement"),
        ({"currency": "USD"}, "CURRENCY_DIFFERS", "spec.price.currency"),
    ],
)
def test_an_agreement_that_does_not_hold_is_a_reason(changes: dict[str, Any], code: str, field: str) -> None:
    assert found(a_proposal(agreement_id="agreement-1"), known(an_agreement(**changes))) == [(code, field)]


def test_others_agreement_looks_like_none() -> None:
    theirs = an_agreement(("beta", 7_000), ("city", 3_000))
    missing = assess(a_proposal(agreement_id="agreement-1"), known(None), APPROVAL, at=NOW)
    assert assess(a_proposal(agreement_id="agreement-1"), known(theirs), APPROVAL, at=NOW).findings == missing.findings
    assert [finding.code for finding in missing.findings] == ["AGREEMENT_NOT_FOUND"]


@pytest.mark.parametrize(
    ("pairs", "differs"),
    [((), False), ((("city", 3_000), ("acme", 7_000)), False), ((("acme", 6_000), ("city", 4_000)), True), ((("acme", 7_000), ("beta", 3_000)), True)],
)
def test_the_manifests_shares_are_the_agreements_or_none(pairs: tuple[tuple[str, int], ...], differs: bool) -> None:
    shares = tuple(Share(party=party, basis_points=points) for party, points in pairs)
    codes = found(a_proposal(agreement_id="agreement-1", shares=shares), known(an_agreement()))
    assert codes == ([("SHARES_DIFFER", "spec.partnership.shares")] if differs else [])


@pytest.mark.parametrize(
    ("ask", "changes", "code", "field"),
    [
        (an_ask(source="grant-9"), {}, "FUNDING_NOT_FOUND", "spec.funding[0].source"),
        (an_ask("1000.01"), {}, "FUNDING_EXHAUSTED", "spec.funding[0].amount"),
        (an_ask(), {"reserved": Decimal(995)}, "FUNDING_EXHAUSTED", "spec.funding[0].amount"),
        (an_ask(), {"committed": Decimal(995)}, "FUNDING_EXHAUSTED", "spec.funding[0].amount"),
        (an_ask(), {"end_at": NOW}, "FUNDING_OUT_OF_TERM", "spec.funding[0].source"),
        (an_ask(), {"start_at": NOW + DAY}, "FUNDING_OUT_OF_TERM", "spec.funding[0].source"),
        (an_ask(), {"currency": "USD"}, "CURRENCY_DIFFERS", "spec.funding[0].source"),
        (an_ask("0"), {}, "AMOUNT_NOT_VALID", "spec.funding[0].amount"),
    ],
)
def test_money_that_cannot_be_had_is_a_reason(ask: FundingAsk, changes: dict[str, Any], code: str, field: str) -> None:
    assert found(a_proposal(funding=(ask,)), known(None, a_source(**changes))) == [(code, field)]


def test_all_reasons_are_told_at_once_and_nothing_is_obliged() -> None:
    proposal = a_proposal(agreement_id="agreement-1", funding=(an_ask(source="grant-9"), an_ask("2000")))
    ruling = Ruling(version=1, findings=(Finding(code="PRIVACY_ASSESSMENT_MISSING", message="none"),), obligations=APPROVAL.obligations)
    assessment = assess(proposal, known(None, a_source()), ruling, at=NOW)
    codes = [finding.code for finding in assessment.findings]
    assert codes == ["PRIVACY_ASSESSMENT_MISSING", "AGREEMENT_NOT_FOUND", "FUNDING_NOT_FOUND", "FUNDING_EXHAUSTED"]
    assert assessment.obligations == ()
    assert all(finding.message for finding in assessment.findings)


def test_a_source_asked_twice_gives_the_sum_or_nothing() -> None:
    asks = (an_ask("600"), an_ask("600"))
    assert a_proposal(funding=asks).wanted == {"grant-1": Decimal(1200)}
    assert found(a_proposal(funding=asks), known(None, a_source())) == [("FUNDING_EXHAUSTED", "spec.funding[0].amount")]
    assert found(a_proposal(funding=asks), known(None, a_source(amount=Decimal(1200)))) == []


def test_what_the_version_holds_already_is_not_asked_for_again() -> None:
    full = a_source(reserved=Decimal(1000))
    assert found(a_proposal(funding=(an_ask("400"),)), known(None, full, held={"grant-1": Decimal(400)})) == []
    assert found(a_proposal(funding=(an_ask("400"),)), known(None, full)) == [("FUNDING_EXHAUSTED", "spec.funding[0].amount")]


@given(some.decimals(0, Decimal(10**13), places=9))
def test_whole_units_never_make_an_amount_look_smaller(amount: Decimal) -> None:
    assert amount <= whole_units(amount) < amount + 1
