"""Rules between the fields of a manifest."""

from __future__ import annotations

import pytest
from stratapolis.chassis.manifest import read

from services.chassis.tests.unit.manifest.good import GOOD
from services.chassis.tests.unit.manifest.test_read import changed, faults, the_fault, the_manifest

TIERS = """model: pay-per-use
        tiers:
          - {upTo: 100, unitPrice: 0.05}
          - unitPrice: "0.02"
"""


def test_shares_that_do_not_add_up_are_told_with_what_is_missing() -> None:
    fault = the_fault(changed("basisPoints: 6000", "basisPoints: 5999"))
    assert (fault.path, fault.message, fault.hint) == ("spec.partnership.shares", "the shares add up to 9,999 basis points", "make them 10,000: 1 more")


def test_shares_may_be_left_to_the_agreement() -> None:
    start = GOOD.index("    shares:")
    assert the_manifest((GOOD[:start] + GOOD[GOOD.index("\n", start) + 1 :]).encode()).spec.partnership.agreement == "a-1"


@pytest.mark.parametrize("end", ["2026-01-31", "2026-01-30", "2025-12-31"])
def test_a_use_of_data_that_does_not_end_after_its_start_is_told(end: str) -> None:
    fault = the_fault(changed("2027-01-31", end))
    assert fault.path == "spec.data[0].end" and "2026-01-31" in fault.message


@pytest.mark.parametrize("day", ["2027-02-29", "2027-13-01", "0000-01-01", "2027-00-10"])
def test_a_day_that_does_not_exist_is_told(day: str) -> None:
    fault = the_fault(changed("2027-01-31", day))
    assert fault.path == "spec.data[0].end" and day in fault.message


@pytest.mark.parametrize(
    ("lines", "path", "said"),
    [
        ("model: free\n        fee: 1\n", "fee", "no fee"),
        ("model: free\n        tiers: [{unitPrice: 1}]\n", "tiers", "no tiers"),
        ("model: free\n        cap: 1\n", "cap", "no cap"),
        ("model: subscription\n", "fee", "needs a fee"),
        ("model: subscription\n        fee: 5\n        tiers: [{unitPrice: 1}]\n", "tiers", "no tiers"),
        ("model: pay-per-use\n", "tiers", "needs tiers"),
        ("model: pay-per-use\n        fee: 5\n        tiers: [{unitPrice: 1}]\n", "fee", "no fee"),
        ("model: pay-per-use\n        tiers: [{upTo: 5, unitPrice: 1}]\n", "tiers[0].upTo", "last tier has no end"),
        ("model: pay-per-use\n        tiers: [{unitPrice: 2}, {unitPrice: 1}]\n", "tiers[0].upTo", "only the last"),
        ("model: pay-per-use\n        tiers: [{upTo: 5, unitPrice: 2}, {upTo: 5, unitPrice: 2}, {unitPrice: 1}]\n", "tiers[1].upTo", "not above"),
    ],
)
def test_a_plan_is_held_to_its_model(lines: str, path: str, said: str) -> None:
    fault = the_fault(changed(TIERS, lines))
    assert fault.path == f"spec.price.plans[0].{path}" and said in fault.message


@pytest.mark.parametrize(
    "lines", ["model: free\n", "model: subscription\n        fee: 5.00\n", "model: pay-per-use\n        tiers: [{unitPrice: 0.000000001}]\n"]
)
def test_a_plan_with_what_its_model_asks_for_is_right(lines: str) -> None:
    assert the_manifest(changed(TIERS, lines)).spec.price.plans[0].name == "by-use"


def test_what_costs_needs_a_currency() -> None:
    fault = the_fault(changed("    currency: EUR\n", ""))
    assert (fault.line, fault.path) == (14, "spec.price.currency")


def test_what_costs_nothing_needs_no_currency() -> None:
    text = GOOD.replace("    currency: EUR\n", "").replace(TIERS, "model: free\n")
    assert the_manifest(text.encode()).spec.price.currency == ""


@pytest.mark.parametrize(
    ("currency", "fee", "right"), [("EUR", "5.001", False), ("EUR", "5.01", True), ("JPY", "5.1", False), ("JPY", "5", True), ("KWD", "5.001", True)]
)
def test_a_fee_has_no_more_digits_than_its_currency(currency: str, fee: str, right: bool) -> None:
    text = GOOD.replace("EUR", currency).replace(TIERS, f"model: subscription\n        fee: {fee}\n")
    manifest, found = read(text.encode())
    assert (manifest is not None) is right
    assert [f.path for f in found] == ([] if right else ["spec.price.plans[0].fee"])


@pytest.mark.parametrize(
    ("before", "line", "path"),
    [
        ("  price:", "    - {name: less time in traffic, indicator: {framework: city, code: other}}\n", "spec.outcomes[1].name"),
        ("  price:", "    - {name: less queueing, indicator: {framework: city, code: delay}}\n", "spec.outcomes[1].indicator"),
        ("  partnership:", "      - {name: by-use, model: free}\n", "spec.price.plans[1].name"),
        ("  accessibility:", "    - {product: traffic, purpose: something else, end: 2027-01-01}\n", "spec.data[1].product"),
    ],
)
def test_what_stands_twice_is_told(before: str, line: str, path: str) -> None:
    fault = the_fault(changed(before, line + before))
    assert fault.path == path and "twice" in fault.message


def test_a_funding_source_and_a_party_stand_once() -> None:
    text = changed("party: city", "party: north").replace(b"  data:", b"  funding: [{source: s, amount: 1}, {source: s, amount: 2}]\n  data:")
    assert [f.path for f in faults(text)] == ["spec.partnership.shares[1].party", "spec.funding[1].source"]
