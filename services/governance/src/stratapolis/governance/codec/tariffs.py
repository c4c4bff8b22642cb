"""A manifest's prices as a tariff."""

from datetime import datetime
from decimal import Decimal

from city.manifest.v1 import manifest_pb2 as pb
from stratapolis.governance.domain.journey import Journey
from stratapolis.governance.domain.tariff import Model, Plan, Tariff, Tier

MODELS = {pb.MODEL_FREE: Model.FREE, pb.MODEL_SUBSCRIPTION: Model.SUBSCRIPTION, pb.MODEL_PAY_PER_USE: Model.PAY_PER_USE}


def tariff_of(journey: Journey, manifest: pb.Manifest, *, at: datetime) -> Tariff:
    """The prices that hold from now, and who shares in them: the agreement's snapshot, or all to the value creator."""
    return Tariff(
        tariff_id=journey.tariff_id,
        service_id=journey.service_id,
        valid_from=at,
        currency=manifest.spec.price.currency,
        plans=tuple(_plan(plan) for plan in manifest.spec.price.plans),
        shares=journey.shares,
    )


def _plan(plan: pb.Plan) -> Plan:
    return Plan(
        name=plan.name,
        model=MODELS[plan.model],
        fee=Decimal(plan.fee or 0),
        tiers=tuple(Tier(unit_price=Decimal(tier.unit_price), up_to=tier.up_to or None) for tier in plan.tiers),
        cap=Decimal(plan.cap) if plan.cap else None,
    )
