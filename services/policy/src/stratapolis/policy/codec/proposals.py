"""What policy looks at in a manifest, and its answer on the wire."""

from collections.abc import Mapping
from decimal import Decimal

from city.journey.v1 import journey_pb2 as pb
from city.manifest.v1 import manifest_pb2
from city.manifest.v1.manifest_pb2 import Manifest
from stratapolis.chassis import holds
from stratapolis.chassis.money import parse_amount
from stratapolis.chassis.tables.currencies import minor_units
from stratapolis.policy.codec.agreements import shares, shares_of
from stratapolis.policy.domain.assessment import Assessment, Fact, FundingAsk, Proposal
from stratapolis.policy.domain.funding import Source

LAYER = "policy"


def proposal(creator_id: str, manifest: Manifest) -> Proposal:
    """What is proposed, and by whom; raises ValueError for an amount that is none, which the contract's patterns leave out."""
    spec = manifest.spec
    return Proposal(
        creator_id=creator_id,
        currency=spec.price.currency,
        agreement_id=spec.partnership.agreement,
        shares=shares_of(spec.partnership.shares),
        funding=tuple(FundingAsk(source_id=ask.source, amount=parse_amount(ask.amount)) for ask in spec.funding),
        facts=facts(manifest),
    )


def facts(manifest: Manifest) -> dict[str, Fact]:
    """The manifest's facts for the city's rules; their names and types are the schema's (actions.py)."""
    spec = manifest.spec
    return {
        "has_software": spec.runtime.HasField("process"),
        "free": all(plan.model == manifest_pb2.MODEL_FREE for plan in spec.price.plans),
        "personal_data": spec.privacy.personal_data,
        "impact_assessment": bool(spec.privacy.impact_assessment.strip()),
        "accessibility_statement": spec.HasField("accessibility"),
        "wcag_level": int(spec.accessibility.wcag_level),
        "languages": sorted(spec.accessibility.languages),
        "offline_channel": bool(spec.accessibility.offline_channel.strip()),
        "category": spec.category,
        "stakeholders": sorted(manifest_pb2.Stakeholder.Name(number).removeprefix("STAKEHOLDER_").lower() for number in spec.stakeholders),
        "data_products": sorted({use.product for use in spec.data}),
    }


def reasons(assessment: Assessment) -> tuple[pb.Reason, ...]:
    """All reasons of a refusal."""
    return tuple(holds.reason(LAYER, f.code, f.message, field_path=f.field_path, hint=f.hint) for f in assessment.findings)


def cleared(assessment: Assessment, asked: Proposal, sources: Mapping[str, Source]) -> holds.Cleared:
    """A clearance, with what is held for it."""
    held = [pb.Held(kind="funding", reference=name, amount=money(amount, sources[name].currency)) for name, amount in asked.wanted.items()]
    if asked.agreement_id:
        held.append(pb.Held(kind="agreement", reference=asked.agreement_id))
    return holds.Cleared(
        held=held,
        obligations=[pb.Obligation(code=obligation.code, message=obligation.message) for obligation in assessment.obligations],
        valid_until=assessment.valid_until,
        decided_on=str(assessment.version),
        shares=shares(assessment.shares),
    )


def money(amount: Decimal, currency: str) -> str:
    """An amount for people, with at least the digits of the currency's minor unit, such as `EUR 5000.00`."""
    exponent = amount.normalize().as_tuple().exponent
    finest = -exponent if isinstance(exponent, int) else 0
    return f"{currency} {amount:.{max(finest, minor_units(currency))}f}"
