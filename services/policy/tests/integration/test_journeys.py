"""Policy's part in journeys: it clears by the city's rules, or refuses with all reasons."""

from typing import Any

import pytest
from city.governance.v1.events_pb2 import ValueCreatorAccepted, ValueCreatorSuspended
from city.journey.v1 import journey_pb2 as pb
from city.manifest.v1 import manifest_pb2 as manifests
from city.manifest.v1.manifest_pb2 import Manifest
from city.policy.v1 import assessment_service_pb2
from stratapolis.chassis.errors import InvalidField
from stratapolis.chassis.identity import Caller
from stratapolis.policy.assessing import Assessor
from stratapolis.policy.rpc.assessments import Assessments

from services.policy.tests.builders import ADA, BEA, OLGA, Layer, a_manifest, a_request, with_software


async def assess(layer: Layer, manifest: Manifest, caller: Caller = ADA, creator_id: str = "") -> assessment_service_pb2.AssessProposalResponse:
    asked = assessment_service_pb2.AssessProposalRequest(manifest=manifest, creator_id=creator_id)
    async with layer.db.transaction(readonly=True) as tx:
        return await Assessments(Assessor(1_000, layer.in_force)).assess_proposal(asked, layer.call(tx, caller))


async def a_signed_agreement(layer: Layer) -> str:
    made = (await layer.agreement()).agreement_id
    await layer.sign(made, "acme", ADA)
    await layer.sign(made, "city", OLGA)
    await layer.under.published()
    return made


async def test_a_free_service_is_cleared_without_any_obligation(layer: Layer) -> None:
    await layer.found()
    await layer.under.published()
    answered = await layer.answer(a_request(a_manifest()))
    assert (answered.outcome, answered.layer, answered.decided_on) == (pb.OUTCOME_CLEARED, "policy", "1")
    assert list(answered.obligations) == [] and not answered.HasField("valid_until_time")
    assert [(share.party, share.basis_points) for share in answered.shares] == [("acme", 10_000)]


async def test_before_the_city_is_founded_nothing_is_cleared(layer: Layer) -> None:
    assert [reason.code for reason in (await layer.answer(a_request(a_manifest()))).reasons] == ["NOT_FOUNDED"]


async def test_all_reasons_are_told_at_once_with_their_places(layer: Layer) -> None:
    await layer.found()
    manifest = a_manifest(
        runtime=with_software(), privacy=manifests.Privacy(personal_data=True), partnership="agreement-9", funding={"grant-9": "5", "grant-8": "6"}
    )  # fmt: skip
    answered = await layer.answer(a_request(manifest))
    assert answered.outcome == pb.OUTCOME_REFUSED
    assert [(reason.code, reason.field_path) for reason in answered.reasons] == [
        ("ACCESSIBILITY_STATEMENT_MISSING", "spec.accessibility"),
        ("PRIVACY_ASSESSMENT_MISSING", "spec.privacy.impactAssessment"),
        ("AGREEMENT_NOT_FOUND", "spec.partnership.agreement"),
        ("FUNDING_NOT_FOUND", "spec.funding[0].source"),
        ("FUNDING_NOT_FOUND", "spec.funding[1].source"),
    ]
    assert all(reason.layer == "policy" and reason.message and reason.hint for reason in answered.reasons)
    assert list(answered.obligations) == [] and list(answered.held) == []


async def test_a_partnership_is_held_with_the_signed_shares_and_an_officer_is_asked(layer: Layer) -> None:
    await layer.found()
    agreement = await a_signed_agreement(layer)
    answered = await layer.answer(a_request(a_manifest(partnership=agreement)))
    assert [(held.kind, held.reference) for held in answered.held] == [("agreement", agreement)]
    assert [(share.party, share.basis_points) for share in answered.shares] == [("acme", 7_000), ("city", 3_000)]
    assert [obligation.code for obligation in answered.obligations] == ["OFFICER_APPROVAL"]
    assert answered.HasField("valid_until_time")


async def test_an_agreement_of_others_looks_like_none(layer: Layer) -> None:
    await layer.found()
    agreement = await a_signed_agreement(layer)
    theirs = await layer.answer(a_request(a_manifest(partnership=agreement), creator="beta"))
    missing = await layer.answer(a_request(a_manifest(partnership="agreement-9"), creator="beta"))
    assert [reason.code for reason in theirs.reasons] == ["AGREEMENT_NOT_FOUND"]
    assert theirs.reasons[0].message.replace(agreement, "?") == missing.reasons[0].message.replace("agreement-9", "?")


async def test_what_a_suspended_creator_proposes_is_refused_until_it_is_let_in_again(layer: Layer) -> None:
    await layer.found()
    accepted = ValueCreatorAccepted(creator_id="acme", name="Acme", kind="company", founding_subject="ada")
    await layer.under.deliver(accepted, ValueCreatorSuspended(creator_id="acme", reason="unpaid fines"))
    await layer.under.published()
    assert [reason.code for reason in (await layer.answer(a_request(a_manifest()))).reasons] == ["CREATOR_SUSPENDED"]
    await layer.under.deliver(accepted)
    assert (await layer.answer(a_request(a_manifest()))).outcome == pb.OUTCOME_CLEARED


async def test_a_request_for_other_layers_is_not_answered(layer: Layer) -> None:
    request = a_request(a_manifest())
    request.layers[:] = ["data"]
    await layer.under.deliver(request)
    assert await layer.under.published() == []


@pytest.mark.parametrize("large", [False, True])
async def test_a_dry_run_says_what_clearing_says_and_holds_nothing(layer: Layer, large: bool) -> None:
    await layer.found()
    source = await layer.source("5000")
    await layer.under.published()
    manifest = a_manifest(funding={source.source_id: "1000.01" if large else "1000"})
    dry = await assess(layer, manifest)
    assert await layer.left(source.source_id) == (0, 0, 5000)
    said = await layer.answer(a_request(manifest))
    assert _said(dry) == _said(said)
    assert [obligation.code for obligation in dry.obligations] == (["OFFICER_APPROVAL"] if large else [])
    assert await layer.left(source.source_id) != (0, 0, 5000)


async def test_a_dry_run_tells_all_reasons(layer: Layer) -> None:
    await layer.found()
    refused = await assess(layer, a_manifest(runtime=with_software(), partnership="agreement-9"))
    assert refused.outcome == pb.OUTCOME_REFUSED
    assert [reason.code for reason in refused.reasons] == ["ACCESSIBILITY_STATEMENT_MISSING", "AGREEMENT_NOT_FOUND"]


async def test_only_an_officer_assesses_for_another(layer: Layer) -> None:
    await layer.found()
    with pytest.raises(InvalidField):
        await assess(layer, a_manifest(), BEA, "acme")
    officers = await assess(layer, a_manifest(), OLGA, "acme")
    assert [share.party for share in officers.shares] == ["acme"]


def _said(answer: Any) -> tuple[Any, ...]:
    held = [(held.kind, held.reference, held.amount) for held in answer.held]
    return answer.outcome, held, [o.message for o in answer.obligations], [s.party for s in answer.shares], answer.valid_until_time.seconds, answer.decided_on
