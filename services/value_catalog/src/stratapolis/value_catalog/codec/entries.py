"""Entries: from the stage that prepares them, and as they are shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from city.governance.v1.events_pb2 import JourneyEnded, StageRequested
from city.manifest.v1.manifest_pb2 import MODEL_FREE, Manifest, Stakeholder
from city.types.v1.types_pb2 import IndicatorKey, Origin, Place, Share
from city.value_catalog.v1 import catalog_service_pb2, entry_pb2
from city.value_catalog.v1.events_pb2 import ServicePublished, ServiceUpdated
from stratapolis.chassis.db import Row
from stratapolis.chassis.times import to_timestamp
from stratapolis.value_catalog.codec import measured
from stratapolis.value_catalog.codec.times import stamp
from stratapolis.value_catalog.domain import entry as domain

_STAKEHOLDER = "STAKEHOLDER_"
STATUSES = {
    "suspended": entry_pb2.SERVICE_STATUS_SUSPENDED,
    "retiring": entry_pb2.SERVICE_STATUS_RETIRING,
    "retired": entry_pb2.SERVICE_STATUS_RETIRED,
}
"""Of entries that are shown to some and not live; how a live one is doing is its software's to say."""
LEAVING = ("retiring", "retired")


def stakeholder(number: Stakeholder.ValueType) -> str:
    """A stakeholder's word, such as `resident`; empty for the unspecified one."""
    return Stakeholder.Name(number).removeprefix(_STAKEHOLDER).lower() if number else ""


def prepared(request: StageRequested) -> domain.Entry:
    """The entry that a listing asks for."""
    manifest = request.manifest
    meta, spec = manifest.metadata, manifest.spec
    return domain.Entry(
        service_id=request.service_id,
        version=request.version,
        journey_id=request.journey_id,
        creator_id=request.creator_id,
        creator_name=request.creator_name,
        name=meta.name,
        title=meta.title,
        description=meta.description,
        category=spec.category,
        stakeholders=tuple(stakeholder(one) for one in spec.stakeholders),
        outcomes=tuple(_outcome(one.name, one.indicator, one.target) for one in spec.outcomes),
        is_free=any(plan.model == MODEL_FREE for plan in spec.price.plans),
        life_events=tuple(spec.life_events),
        answer_within_hours=spec.requests.answer_within_hours if spec.HasField("requests") else None,
        place=(spec.place.latitude, spec.place.longitude) if spec.HasField("place") else None,
        manifest=manifest.SerializeToString(deterministic=True),
        shares=tuple(domain.Share(party=share.party, basis_points=share.basis_points) for share in request.shares),
        endpoint=request.endpoint,
        origin=_origin(request.origin) if request.HasField("origin") else None,
    )


def shown(row: Row, at: datetime) -> entry_pb2.Entry:
    """A row of the view `shown`."""
    manifest = Manifest.FromString(row["manifest"])
    spec = manifest.spec
    entry = entry_pb2.Entry(
        service_id=row["service_id"],
        version=row["version"],
        name=row["name"],
        title=row["title"],
        description=row["description"],
        category=row["category"],
        stakeholders=spec.stakeholders,
        outcomes=[_outcome_now(one) for one in row["outcomes_now"]],
        price=spec.price,
        free=row["is_free"],
        agreement=spec.partnership.agreement,
        shares=[Share(**share) for share in row["shares"]],
        data=data_used([(use.product, use.purpose) for use in spec.data], row["contracts"], at),
        rating=entry_pb2.Rating(average=row["stars"] / row["ratings"] if row["ratings"] else 0.0, count=row["ratings"]),
        endpoint=row["endpoint_now"] if row["state"] not in LEAVING else "",
        life_events=row["life_events"],
        answer_within_hours=row["answer_within_hours"] or 0,
        provenance=_provenance(row),
    )
    entry.status, entry.status_message = _status(row)
    if spec.HasField("accessibility"):
        entry.accessibility.CopyFrom(spec.accessibility)
    if row["latitude"] is not None:
        entry.place.CopyFrom(Place(latitude=row["latitude"], longitude=row["longitude"]))
    return entry


def published(event: JourneyEnded, title: str, replaced: int | None) -> ServicePublished | ServiceUpdated:
    """The fact that a version is shown: the service's first, or in place of another."""
    if replaced is None:
        return ServicePublished(service_id=event.service_id, version=event.version, title=title)
    return ServiceUpdated(service_id=event.service_id, version=event.version, replaced_version=replaced, title=title)


def data_used(declared: Iterable[tuple[str, str]], contracts: Sequence[Mapping[str, Any]], at: datetime) -> list[entry_pb2.DataUsed]:
    """What the manifest declares, each with its newest contract, then contracts made later by hand. Declared are (product, purpose)."""
    newest = {(contract["product"], contract["purpose"]): contract for contract in contracts}
    used = [
        _granted(newest.pop(use), at) if use in newest else entry_pb2.DataUsed(product=use[0], purpose=use[1], state=entry_pb2.GRANT_STATE_DECLARED)
        for use in declared
    ]
    return used + [_granted(contract, at) for contract in newest.values()]


def promised(row: Row) -> catalog_service_pb2.PromisedOutcome:
    """An indicator that services promise to move."""
    return catalog_service_pb2.PromisedOutcome(
        indicator=IndicatorKey(framework=row["framework"], code=row["code"], measure=row["measure"]),
        names=row["names"],
        services=row["services"],
        measured=measured.shown(row["measured"]),
        reading=measured.read(row["measured"]),
    )


def _outcome(name: str, indicator: IndicatorKey, target: str) -> domain.Outcome:
    return domain.Outcome(name=name, framework=indicator.framework, code=indicator.code, measure=indicator.measure, target=target)


def _outcome_now(outcome: Mapping[str, Any]) -> entry_pb2.OutcomeNow:
    return entry_pb2.OutcomeNow(
        name=outcome["name"],
        indicator=IndicatorKey(framework=outcome["framework"], code=outcome["code"], measure=outcome["measure"]),
        target=outcome["target"],
        measured=measured.shown(outcome["measured"]),
        reading=measured.read(outcome["measured"]),
        side=measured.side_shown(outcome["measured"], outcome["target"]),
    )


def _granted(contract: Mapping[str, Any], at: datetime) -> entry_pb2.DataUsed:
    end = datetime.fromisoformat(contract["end_at"]) if contract["end_at"] else None
    has_ended = contract["revoked_at"] is not None or (end is not None and end <= at)
    return entry_pb2.DataUsed(
        product=contract["product"],
        purpose=contract["purpose"],
        state=entry_pb2.GRANT_STATE_ENDED if has_ended else entry_pb2.GRANT_STATE_GRANTED,
        contract_id=contract["contract_id"],
        end_time=stamp(end),
    )


def _status(row: Row) -> tuple[entry_pb2.ServiceStatus.ValueType, str]:
    if row["state"] != "live":
        return STATUSES[row["state"]], row["suspended_why"]
    if row["deployment_state"] in ("degraded", "failed"):
        return entry_pb2.SERVICE_STATUS_DEGRADED, row["deployment_message"]
    return entry_pb2.SERVICE_STATUS_LIVE, ""


def _provenance(row: Row) -> entry_pb2.Provenance:
    return entry_pb2.Provenance(
        creator_id=row["creator_id"],
        creator_name=row["creator_name"],
        journey_id=row["journey_id"],
        version=row["version"],
        published_time=to_timestamp(row["published_at"]),
        origin=Origin(**row["origin"]) if row["origin"] else None,
    )


def _origin(given: Origin) -> domain.Origin:
    return domain.Origin(
        idea_id=given.idea_id, idea_title=given.idea_title, challenge_id=given.challenge_id, pilot_id=given.pilot_id, evidence=given.evidence
    )  # fmt: skip
