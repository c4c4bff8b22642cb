"""What goes over the wire comes back as it was."""

from decimal import Decimal

import pytest
from city.manifest.v1 import manifest_pb2 as manifests
from city.types.v1.types_pb2 import Share as ShareMessage
from hypothesis import given
from hypothesis import strategies as some
from stratapolis.chassis.money import to_decimal
from stratapolis.chassis.times import to_time
from stratapolis.policy.codec import agreements, funding, policies, proposals
from stratapolis.policy.domain.agreement import Share
from stratapolis.policy.domain.assessment import FundingAsk
from stratapolis.policy.domain.funding import FundingKind
from stratapolis.policy.domain.policy import found, publish

from services.policy.tests.builders import FACTS, NOW, a_manifest, a_source, an_agreement, with_software

SHARES = some.builds(Share, party=some.text(min_size=1, max_size=64), basis_points=some.integers(0, 10_000))


@given(some.lists(SHARES, max_size=20).map(tuple))
def test_shares_come_back(shares: tuple[Share, ...]) -> None:
    assert agreements.shares_of(agreements.shares(shares)) == shares


def test_an_agreement_is_shown_whole() -> None:
    agreement = an_agreement()
    shown = agreements.shown(agreement)
    assert [(s.party, s.basis_points) for s in shown.shares] == [("acme", 7_000), ("city", 3_000)]
    assert {(s.party, s.subject, to_time(s.sign_time)) for s in shown.signatures} == {(s.party, s.subject, s.signed_at) for s in agreement.signatures}
    times = (to_time(shown.start_time), to_time(shown.end_time), to_time(shown.create_time), to_time(shown.signed_time))
    assert times == (agreement.start_at, agreement.end_at, agreement.created_at, agreement.signed_at)
    assert (shown.state, shown.currency, shown.title) == (2, "EUR", "a partnership")
    unsigned = agreements.shown(an_agreement(signed=False))
    assert unsigned.state == 1 and not unsigned.HasField("signed_time")


@pytest.mark.parametrize("kind", list(FundingKind))
def test_a_source_is_shown_whole(kind: FundingKind) -> None:
    shown = funding.shown(a_source(kind=kind, amount=Decimal("10.5"), reserved=Decimal("0.000000001"), committed=Decimal(4)))
    amounts = [to_decimal(money) for money in (shown.amount, shown.reserved, shown.committed, shown.available)]
    assert amounts == [Decimal("10.5"), Decimal("0.000000001"), Decimal(4), Decimal("6.499999999")]
    assert funding.KIND_OF[shown.kind] is kind
    assert {money.currency_code for money in (shown.amount, shown.available)} == {"EUR"}


def test_a_version_is_shown_with_its_text_but_not_in_lists() -> None:
    policy = found("text", newest=0, founder="olga", at=NOW)
    assert policies.shown(policy).cedar == policies.activated(policy).cedar == "text"
    assert policies.shown(policy, text=False).cedar == ""
    assert to_time(policies.activated(policy).activate_time) == NOW
    assert not policies.shown(publish("text", note="new", newest=1, publisher="pia", at=NOW)).HasField("activate_time")


def test_a_manifest_is_read_as_a_proposal() -> None:
    manifest = a_manifest(partnership="agreement-1", funding={"grant-2": "12.5", "grant-1": "3"})
    manifest.spec.partnership.shares.add().CopyFrom(ShareMessage(party="acme", basis_points=10_000))
    proposal = proposals.proposal("acme", manifest)
    assert (proposal.creator_id, proposal.currency, proposal.agreement_id) == ("acme", "EUR", "agreement-1")
    assert proposal.shares == (Share(party="acme", basis_points=10_000),)
    assert proposal.funding == (FundingAsk(source_id="grant-2", amount=Decimal("12.5")), FundingAsk(source_id="grant-1", amount=Decimal(3)))
    assert list(proposal.wanted) == ["grant-1", "grant-2"]


def test_a_manifests_facts_are_what_it_says() -> None:
    manifest = a_manifest(
        runtime=with_software(),
        accessibility=manifests.Accessibility(wcag_level=manifests.WCAG_LEVEL_AA, languages=["en", "de"], offline_channel="the counter"),
        privacy=manifests.Privacy(personal_data=True, impact_assessment="PIA-7"),
        data=[manifests.DataUse(product="air-quality", purpose="to warn", end="2027-01-01")],
        price=manifests.Price(currency="EUR", plans=[manifests.Plan(name="month", model=manifests.MODEL_SUBSCRIPTION, fee="2")]),
        stakeholders=[manifests.STAKEHOLDER_VISITOR, manifests.STAKEHOLDER_BUSINESS],
    )
    said = {
        "has_software": True, "free": False, "personal_data": True, "impact_assessment": True, "accessibility_statement": True, "wcag_level": 2,
        "languages": ["de", "en"], "offline_channel": True, "category": "mobility", "stakeholders": ["business", "visitor"], "data_products": ["air-quality"],
    }  # fmt: skip
    assert proposals.facts(manifest) == said
    assert said.keys() == FACTS.keys()


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("5000", "EUR", "EUR 5000.00"),
        ("5000.000000000", "EUR", "EUR 5000.00"),
        ("0.125", "EUR", "EUR 0.125"),
        ("7", "JPY", "JPY 7"),
        ("1E+3", "KWD", "KWD 1000.000"),
    ],
)
def test_an_amount_is_written_for_people(amount: str, currency: str, text: str) -> None:
    assert proposals.money(Decimal(amount), currency) == text
