"""Agreements: whole shares, each party's own signature, one term."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as some
from stratapolis.policy.domain.agreement import Share, Signer, create, sign
from stratapolis.policy.domain.errors import AgreementEnded, AlreadySigned, NotAParty, PartyTwice, SharesNotWhole, SignatureNotYours, TermNotValid

from services.policy.tests.builders import ADMIN, DAY, NOW, OFFICER, PARTNER, an_agreement

MEMBER = Signer(subject="ben", creator="acme", is_admin=False, is_officer=False)


def shares(*pairs: tuple[str, int]) -> tuple[Share, ...]:
    return tuple(Share(party=party, basis_points=points) for party, points in pairs)


@given(some.lists(some.integers(0, 10_000), min_size=1, max_size=20))
def test_only_shares_that_make_ten_thousand_are_agreed(points: list[int]) -> None:
    parties = tuple((f"party-{number}", part) for number, part in enumerate(points))
    if sum(points) == 10_000:
        assert an_agreement(*parties, signed=False).parties == {party for party, _ in parties}
    else:
        with pytest.raises(SharesNotWhole):
            an_agreement(*parties, signed=False)


@given(some.lists(some.integers(1, 9_999), max_size=19, unique=True), some.data())
def test_it_is_signed_when_the_last_party_signs_in_any_order(cuts: list[int], data: some.DataObject) -> None:
    edges = [0, *sorted(cuts), 10_000]
    agreement = an_agreement(*((f"party-{n}", high - low) for n, (low, high) in enumerate(pairwise(edges))), signed=False)
    order = data.draw(some.permutations(sorted(agreement.parties)))
    for number, party in enumerate(order, start=1):
        assert agreement.signed_at is None
        at = NOW + timedelta(minutes=number)
        agreement = sign(agreement, party=party, by=Signer(subject=f"of {party}", creator=party, is_admin=True, is_officer=False), at=at)
    assert agreement.signed_at == NOW + timedelta(minutes=len(order))
    assert {signature.party: signature.subject for signature in agreement.signatures} == {party: f"of {party}" for party in order}


def test_a_party_named_twice_is_refused() -> None:
    with pytest.raises(PartyTwice):
        an_agreement(("acme", 4_000), ("acme", 6_000), signed=False)


@pytest.mark.parametrize("end", [NOW - DAY, NOW - 2 * DAY, NOW])
def test_a_term_without_future_is_refused(end: object) -> None:
    with pytest.raises(TermNotValid):
        an_agreement(start_at=NOW - 3 * DAY, end_at=end, at=NOW, signed=False)


def test_a_term_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(TermNotValid):
        an_agreement(start_at=NOW + 3 * DAY, end_at=NOW + 2 * DAY, signed=False)


@pytest.mark.parametrize("by", [MEMBER, PARTNER])
def test_only_an_admin_of_a_party_or_an_officer_makes_one(by: Signer) -> None:
    with pytest.raises(SignatureNotYours):
        an_agreement(by=by, signed=False)
    assert an_agreement(by=ADMIN, signed=False) == an_agreement(by=OFFICER, signed=False)


@pytest.mark.parametrize(("party", "by"), [("acme", OFFICER), ("acme", MEMBER), ("acme", PARTNER), ("city", ADMIN)])
def test_nobody_signs_for_another(party: str, by: Signer) -> None:
    with pytest.raises(SignatureNotYours):
        sign(an_agreement(signed=False), party=party, by=by, at=NOW)


def test_who_is_no_party_cannot_sign() -> None:
    with pytest.raises(NotAParty):
        sign(an_agreement(signed=False), party="beta", by=PARTNER, at=NOW)


def test_signing_twice_is_refused() -> None:
    agreement = sign(an_agreement(signed=False), party="acme", by=ADMIN, at=NOW)
    with pytest.raises(AlreadySigned):
        sign(agreement, party="acme", by=ADMIN, at=NOW)


def test_signing_after_the_end_is_refused() -> None:
    agreement = an_agreement(signed=False)
    with pytest.raises(AgreementEnded):
        sign(agreement, party="acme", by=ADMIN, at=agreement.end_at)
    assert sign(agreement, party="acme", by=ADMIN, at=agreement.end_at - timedelta(seconds=1)).signatures


def test_an_officer_signs_for_the_city() -> None:
    whole = create("a", title="all", shares=shares(("city", 10_000)), currency="EUR", start_at=NOW, end_at=NOW + DAY, by=OFFICER, at=NOW)
    assert sign(whole, party="city", by=OFFICER, at=NOW).signed_at == NOW
