"""What tests of policy are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from city.governance.v1.events_pb2 import JourneyEnded, StageRequested
from city.journey.v1 import journey_pb2 as pb
from city.manifest.v1 import manifest_pb2 as manifests
from city.policy.v1 import agreement_service_pb2, funding_service_pb2, policy_service_pb2
from city.policy.v1.agreement_pb2 import AgreedMetric
from city.policy.v1.agreement_pb2 import Agreement as ShownAgreement
from city.policy.v1.funding_pb2 import FUNDING_KIND_GRANT
from city.policy.v1.funding_pb2 import FundingSource as ShownSource
from city.types.v1.types_pb2 import IndicatorKey, Share
from stratapolis.chassis.db import Database, Tx
from stratapolis.chassis.identity import Caller
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.money import to_money
from stratapolis.chassis.rpc import Call
from stratapolis.chassis.rpc.client import Peers
from stratapolis.chassis.testing import AppUnderTest
from stratapolis.chassis.times import to_timestamp
from stratapolis.policy.assessing import InForce
from stratapolis.policy.domain import agreement as agreements
from stratapolis.policy.domain.agreement import Agreement, Signer
from stratapolis.policy.domain.assessment import Known, Proposal
from stratapolis.policy.domain.funding import FundingKind, Source
from stratapolis.policy.rpc.agreements import Agreements
from stratapolis.policy.rpc.funding import Funding
from stratapolis.policy.rpc.policies import Policies
from stratapolis.policy.wiring import app

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ADMIN = Signer(subject="ada", creator="acme", is_admin=True, is_officer=False)
PARTNER = Signer(subject="bea", creator="beta", is_admin=True, is_officer=False)
OFFICER = Signer(subject="olga", creator="", is_admin=False, is_officer=True)
FACTS: dict[str, Any] = {
    "has_software": False, "free": True, "personal_data": False, "impact_assessment": False, "accessibility_statement": False, "wcag_level": 0,
    "languages": [], "offline_channel": False, "category": "mobility", "stakeholders": ["resident"], "data_products": [],
}  # fmt: skip
_NUMBERS = count(1)


def an_agreement(*shares: tuple[str, int], signed: bool = True, **changes: Any) -> Agreement:
    """An agreement of acme and the city over 100 days, signed by all unless said otherwise."""
    parties = tuple(agreements.Share(party=party, basis_points=points) for party, points in shares or (("acme", 7_000), ("city", 3_000)))
    given: dict[str, Any] = {
        "title": "a partnership",
        "shares": parties,
        "currency": "EUR",
        "start_at": NOW - DAY,
        "end_at": NOW + 100 * DAY,
        "by": OFFICER,
        "at": NOW - DAY,
    }
    made = agreements.create("agreement-1", **(given | changes))
    for share in parties if signed else ():
        by = OFFICER if share.party == "city" else Signer(subject="ada", creator=share.party, is_admin=True, is_officer=False)
        made = agreements.sign(made, party=share.party, by=by, at=made.created_at)
    return made


def a_source(source_id: str = "grant-1", **changes: Any) -> Source:
    """A grant of EUR 1000 over 100 days."""
    given: dict[str, Any] = {
        "title": "a grant", "kind": FundingKind.GRANT, "currency": "EUR", "amount": Decimal(1000), "start_at": NOW - DAY, "end_at": NOW + 50 * DAY,
        "created_at": NOW - DAY,
    }  # fmt: skip
    return Source(source_id=source_id, **(given | changes))


def a_proposal(**changes: Any) -> Proposal:
    """A proposal of acme that needs nothing."""
    return Proposal(**({"creator_id": "acme", "currency": "EUR", "facts": FACTS} | changes))


def known(agreement: Agreement | None = None, *sources: Source, held: dict[str, Decimal] | None = None) -> Known:
    return Known(agreement=agreement, sources={source.source_id: source for source in sources}, held=held or {})


def a_manifest(*, partnership: str = "", funding: dict[str, str] | None = None, **spec: Any) -> manifests.Manifest:
    """The manifest of a free service without software, with what else is said."""
    given: dict[str, Any] = {
        "category": "mobility", "stakeholders": [manifests.STAKEHOLDER_RESIDENT], "runtime": manifests.Runtime(none=manifests.NoSoftware()),
        "price": manifests.Price(currency="EUR", plans=[manifests.Plan(name="free", model=manifests.MODEL_FREE)]),
        "outcomes": [manifests.Outcome(name="less time lost", indicator=IndicatorKey(framework="u4ssc", code="EC: ICT: T: 1C"))],
        "funding": [manifests.Funding(source=source, amount=amount) for source, amount in (funding or {}).items()],
        "partnership": manifests.Partnership(agreement=partnership) if partnership else None,
    }  # fmt: skip
    about = manifests.Metadata(name="guide", title="A guide", description="Shows the way through the city.")
    return manifests.Manifest(api_version="city/v1", kind="Service", metadata=about, spec=manifests.Spec(**(given | spec)))


def with_software() -> manifests.Runtime:
    return manifests.Runtime(process=manifests.Process(artefact="guide", health="/health", cpu_millis=100, memory_mib=64))


def a_request(manifest: manifests.Manifest, *, creator: str = "acme", stage: pb.Stage.ValueType = pb.STAGE_CLEARING, attempt: int = 1) -> StageRequested:
    """A stage of a new journey."""
    number = next(_NUMBERS)
    return StageRequested(
        journey_id=f"journey-{number}", service_id=f"service-{number}", version=1, kind=pb.JOURNEY_KIND_LAUNCH, stage=stage, attempt=attempt,
        layers=["policy", "data"], creator_id=creator, creator_name=creator.title(), manifest=manifest, until_time=to_timestamp(datetime.now(UTC) + DAY),
    )  # fmt: skip


def again(request: StageRequested, *, stage: pb.Stage.ValueType = pb.STAGE_CLEARING, attempt: int = 1) -> StageRequested:
    """Another stage, or attempt, of the same journey."""
    asked = StageRequested()
    asked.CopyFrom(request)
    asked.stage, asked.attempt = stage, attempt
    return asked


def an_end(request: StageRequested, state: pb.JourneyState.ValueType) -> JourneyEnded:
    return JourneyEnded(
        journey_id=request.journey_id, service_id=request.service_id, version=request.version, creator_id=request.creator_id, state=state
    )  # fmt: skip


def a_caller(subject: str = "ada", *, creator: str = "", roles: tuple[str, ...] = (), creator_roles: tuple[str, ...] = (), kind: str = "person") -> Caller:
    return Caller(subject=subject, kind=kind, creator=creator, roles=frozenset(roles), creator_roles=frozenset(creator_roles))  # type: ignore[arg-type]


ADA = a_caller("ada", creator="acme", creator_roles=("admin", "member"))
BEA = a_caller("bea", creator="beta", creator_roles=("admin", "member"))
OLGA = a_caller("olga", roles=("officer",))


@dataclass(slots=True)
class Layer:
    """Policy on a real database."""

    db: Database
    in_force: InForce = field(default_factory=InForce)
    under: AppUnderTest = field(init=False)

    def __post_init__(self) -> None:
        self.under = AppUnderTest(app(1_000, Peers({}, None)), self.db)  # type: ignore[arg-type]

    def call(self, tx: Tx, caller: Caller) -> Call:
        return Call(caller=caller, at=tx.at, owners=None if caller.roles else caller.owners, tx=tx)

    async def found(self, subject: str = "olga") -> int:
        async with self.db.transaction() as tx:
            asked = policy_service_pb2.FoundPolicyRequest(request_id=new_id())
            return (await Policies(self.in_force).found_policy(asked, self.call(tx, a_caller(subject, roles=("founder",))))).policy.version

    async def source(self, amount: str = "1000", *, currency: str = "EUR") -> ShownSource:
        asked = funding_service_pb2.RegisterFundingSourceRequest(
            request_id=new_id(), title="a grant", kind=FUNDING_KIND_GRANT, amount=to_money(Decimal(amount), currency), end_time=_in(50 * DAY)
        )
        async with self.db.transaction() as tx:
            return (await Funding().register_funding_source(asked, self.call(tx, OLGA))).source

    async def left(self, source_id: str) -> tuple[int, int, int]:
        """Whole units reserved, committed and available of a source."""
        async with self.db.transaction(readonly=True) as tx:
            source = (await Funding().get_funding(funding_service_pb2.GetFundingRequest(source_id=source_id), self.call(tx, OLGA))).source
        return source.reserved.units, source.committed.units, source.available.units

    async def agreement(
        self, *shares: tuple[str, int], by: Caller = ADA, metrics: Sequence[AgreedMetric] = (), start_at: datetime | None = None
    ) -> ShownAgreement:
        asked = agreement_service_pb2.CreateAgreementRequest(
            request_id=new_id(), title="a partnership", currency="EUR", end_time=_in(100 * DAY), metrics=metrics,
            start_time=to_timestamp(start_at) if start_at else None,
            shares=[Share(party=party, basis_points=points) for party, points in shares or (("acme", 7_000), ("city", 3_000))],
        )  # fmt: skip
        async with self.db.transaction() as tx:
            return (await Agreements().create_agreement(asked, self.call(tx, by))).agreement

    async def sign(self, agreement_id: str, party: str, by: Caller) -> ShownAgreement:
        asked = agreement_service_pb2.SignAgreementRequest(request_id=new_id(), agreement_id=agreement_id, party=party)
        async with self.db.transaction() as tx:
            return (await Agreements().sign_agreement(asked, self.call(tx, by))).agreement

    async def answer(self, request: StageRequested) -> pb.StageAnswered:
        """Deliver a request and take the answer; what else was said is dropped."""
        await self.under.deliver(request)
        (answered,) = [said for said in await self.under.published() if isinstance(said, pb.StageAnswered)]
        return answered


def _in(span: timedelta) -> Any:
    return to_timestamp(datetime.now(UTC) + span)
