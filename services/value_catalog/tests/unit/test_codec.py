"""What is read from a manifest, and how data and values are told."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from city.governance.v1.events_pb2 import StageRequested
from city.manifest.v1.manifest_pb2 import MODEL_FREE, MODEL_SUBSCRIPTION, Manifest, Stakeholder
from city.types.v1.types_pb2 import Place
from city.value_catalog.v1 import entry_pb2, request_service_pb2, use_service_pb2
from stratapolis.value_catalog.codec import cases, entries, measured, subscriptions

from services.value_catalog.tests.builders import AIR, a_manifest, a_request

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_an_entry_keeps_all_of_the_manifest_and_what_search_needs_beside_it() -> None:
    manifest = a_manifest(place=Place(latitude=0, longitude=0), answer_within_hours=24)
    request: StageRequested = a_request(manifest)
    entry = entries.prepared(request)
    assert Manifest.FromString(entry.manifest) == manifest
    assert (entry.place, entry.answer_within_hours, entry.is_free, entry.stakeholders) == ((0.0, 0.0), 24, True, ("resident",))
    assert [(one.name, one.framework, one.code, one.measure, one.target) for one in entry.outcomes] == [
        ("cleaner lungs", AIR.framework, AIR.code, AIR.measure, "15")
    ]
    bare = entries.prepared(a_request(a_manifest()))
    assert bare.place is None and bare.answer_within_hours is None


def test_one_free_plan_makes_a_service_free() -> None:
    manifest = a_manifest(model=MODEL_SUBSCRIPTION)
    assert not entries.prepared(a_request(manifest)).is_free
    manifest.spec.price.plans[1].model = MODEL_FREE
    assert entries.prepared(a_request(manifest)).is_free


def test_every_stakeholder_has_a_word() -> None:
    words = [entries.stakeholder(number) for number in Stakeholder.values()]
    assert words[:3] == ["", "resident", "business"] and len(set(words)) == len(words)


def test_every_word_of_the_domain_has_its_number_and_back() -> None:
    assert set(cases.STATE_OF) == set(request_service_pb2.CaseState.values()) - {0}
    assert set(subscriptions.OUTCOMES.values()) == set(use_service_pb2.UseOutcome.values()) - {0}


def test_a_value_reads_with_its_unit_and_none_says_so() -> None:
    assert measured.read({"value": "12.50", "unit": "ug/m3"}) == "12.5 ug/m3"
    assert measured.read(None) == "not measured"


def a_contract(contract_id: str, *, end: datetime | None = None, revoked: bool = False) -> dict[str, Any]:
    return {
        "contract_id": contract_id, "product": "air", "purpose": "warn", "end_at": end.isoformat() if end else None,
        "revoked_at": NOW.isoformat() if revoked else None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("contracts", "state", "contract_id"),
    [
        ([], entry_pb2.GRANT_STATE_DECLARED, ""),
        ([a_contract("a")], entry_pb2.GRANT_STATE_GRANTED, "a"),
        ([a_contract("a", end=NOW + timedelta(seconds=1))], entry_pb2.GRANT_STATE_GRANTED, "a"),
        ([a_contract("a", end=NOW)], entry_pb2.GRANT_STATE_ENDED, "a"),
        ([a_contract("a", revoked=True)], entry_pb2.GRANT_STATE_ENDED, "a"),
        ([a_contract("a", revoked=True), a_contract("b")], entry_pb2.GRANT_STATE_GRANTED, "b"),
    ],
)
def test_the_newest_contract_says_whether_data_may_be_used(contracts: list[dict[str, Any]], state: int, contract_id: str) -> None:
    (used,) = entries.data_used([("air", "warn")], contracts, NOW)
    assert (used.state, used.contract_id) == (state, contract_id)
