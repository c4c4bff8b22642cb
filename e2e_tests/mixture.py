"""Journeys of every kind at once: one that goes live, one that several layers refuse, those an officer decides, those that are withdrawn while all is held."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from string import Template
from typing import Any, Self

from city.data.v1.data_product_pb2 import CLASSIFICATION_OPEN, DataProduct, ProductProperty
from city.data.v1.data_products_service_pb2 import PublishDataProductRequest, RegisterDataProductRequest
from city.data.v1.data_products_service_pb2_grpc import DataProductsServiceStub
from city.governance.v1.journey_service_pb2 import DECISION_APPROVE, DECISION_REJECT, DecideProposalRequest, WithdrawProposalRequest
from city.governance.v1.journey_service_pb2_grpc import JourneyServiceStub
from city.infrastructure.v1.artefact_service_pb2 import RegisterArtefactRequest
from city.infrastructure.v1.artefact_service_pb2_grpc import ArtefactServiceStub
from city.journey.v1 import journey_pb2 as shared
from city.policy.v1.funding_pb2 import FUNDING_KIND_GRANT
from city.policy.v1.funding_service_pb2 import RegisterFundingSourceRequest
from city.policy.v1.funding_service_pb2_grpc import FundingServiceStub
from city.types.v1.types_pb2 import Money
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.times import to_timestamp

from e2e_tests.conftest import ROOT, TERMINAL, Creator, Town, patiently

FULL = Path(__file__).with_name("manifests") / "full.yaml"
NO_SOFTWARE = "{none: {}}"
SOFTWARE = "{process: {artefact: quiet, health: /, cpuMillis: 10, memoryMib: 64}}"
AMOUNT = 10
DECIDED_OR_OVER = (shared.JOURNEY_STATE_DECIDING, *TERMINAL)


class Kind(Enum):
    """What becomes of a journey."""

    LIVE = "live"
    REFUSED = "refused by several layers"
    WITHDRAWN = "withdrawn at once"
    WITHDRAWN_HELD = "withdrawn while all is held"
    TURNED_DOWN = "turned down by an officer"
    APPROVED = "approved by an officer"
    DEPLOYED = "approved, with software"


ENDS = {
    Kind.LIVE: shared.JOURNEY_STATE_LIVE,
    Kind.REFUSED: shared.JOURNEY_STATE_REJECTED,
    Kind.WITHDRAWN: shared.JOURNEY_STATE_WITHDRAWN,
    Kind.WITHDRAWN_HELD: shared.JOURNEY_STATE_WITHDRAWN,
    Kind.TURNED_DOWN: shared.JOURNEY_STATE_REJECTED,
    Kind.APPROVED: shared.JOURNEY_STATE_LIVE,
    Kind.DEPLOYED: shared.JOURNEY_STATE_LIVE,
}
KINDS = (Kind.LIVE, Kind.LIVE, Kind.LIVE, Kind.LIVE, Kind.REFUSED, Kind.WITHDRAWN, Kind.WITHDRAWN_HELD, Kind.TURNED_DOWN, Kind.APPROVED)
"""A wave; now and then one is deployed too."""
ASKED_FOR_MONEY = frozenset({Kind.WITHDRAWN, Kind.WITHDRAWN_HELD, Kind.TURNED_DOWN, Kind.APPROVED, Kind.DEPLOYED})


@dataclass(frozen=True, slots=True)
class Proposed:
    """A journey and what is to become of it."""

    kind: Kind
    journey_id: str
    service_id: str


@dataclass(frozen=True, slots=True)
class Mixture:
    """A value creator with everything that a service may ask for: a grant, open data, a program."""

    town: Town
    creator: Creator
    source: str
    product: str
    within: float = 60
    """Seconds that a step of a journey may take before it hangs."""

    @classmethod
    async def made(cls, town: Town, name: str, *, within: float = 60) -> Self:
        """All of it, fresh."""
        founder = await town.city.enrol(name)
        creator = Creator(await town.city.creator(name, founder), founder)
        await program(town)
        return cls(town, creator, await granted(town, 100_000), await published(town, creator), within)

    def manifest(self, *, runtime: str = NO_SOFTWARE, source: str = "") -> bytes:
        """A service that asks for everything."""
        text = Template(FULL.read_text())
        return text.substitute(name=f"s{new_id()[-12:]}", source=source or self.source, product=self.product, amount=AMOUNT, runtime=runtime).encode()

    def cameras(self) -> bytes:
        """A service that several layers refuse, under a name of its own: one name has one open journey."""
        return self.town.manifest("crowd-cameras", until="2099-01-01").replace(b"name: crowd-cameras", f"name: s{new_id()[-12:]}".encode(), 1)

    async def run(self, kind: Kind) -> Proposed:
        """Propose one journey and do with it what its kind says; returns once that is done, the journey may go on."""
        text = {Kind.LIVE: self.town.manifest(), Kind.REFUSED: self.cameras()}.get(kind)
        runtime = SOFTWARE if kind in (Kind.DEPLOYED, Kind.WITHDRAWN_HELD, Kind.TURNED_DOWN) else NO_SOFTWARE
        journey = await self.town.propose(text or self.manifest(runtime=runtime), as_=self.creator.founder, within=self.within)
        if kind not in (Kind.LIVE, Kind.REFUSED, Kind.WITHDRAWN):
            found = await self.town.reached(journey.journey_id, *DECIDED_OR_OVER, within=self.within)
            assert found.state == shared.JOURNEY_STATE_DECIDING, f"{kind}: {[r.message for r in found.reasons]}"
        if kind in (Kind.WITHDRAWN, Kind.WITHDRAWN_HELD):
            await self.withdraw(journey.journey_id)
        elif kind not in (Kind.LIVE, Kind.REFUSED):
            await self.decide(journey.journey_id, approve=kind is not Kind.TURNED_DOWN)
        return Proposed(kind, journey.journey_id, journey.service_id)

    async def wave(self, kinds: Sequence[Kind]) -> list[Proposed]:
        """These journeys beside each other."""
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(self.run(kind)) for kind in kinds]
        return [task.result() for task in running]

    async def withdraw(self, journey_id: str) -> None:
        """Take a proposal back, however often it has to be said."""
        stub = self.town.city.stub(JourneyServiceStub, "governance", as_=self.creator.founder)
        asked = WithdrawProposalRequest(request_id=new_id(), journey_id=journey_id)
        await patiently(lambda: stub.WithdrawProposal(asked), within=self.within)

    async def decide(self, journey_id: str, *, approve: bool) -> None:
        """An officer's word."""
        stub = self.town.city.stub(JourneyServiceStub, "governance")
        decision = DECISION_APPROVE if approve else DECISION_REJECT
        asked = DecideProposalRequest(request_id=new_id(), journey_id=journey_id, decision=decision, reason="after a long look")
        await patiently(lambda: stub.DecideProposal(asked), within=self.within)


async def granted(town: Town, euros: int) -> str:
    """A new funding source."""
    stub = town.city.stub(FundingServiceStub, "policy")
    asked = RegisterFundingSourceRequest(
        request_id=new_id(), title=f"Grant {new_id()[-6:]}", kind=FUNDING_KIND_GRANT, amount=Money(currency_code="EUR", units=euros),
        end_time=to_timestamp(datetime.now(UTC) + timedelta(days=365)),
    )  # fmt: skip
    return str((await patiently(lambda: stub.RegisterFundingSource(asked))).source.source_id)


async def published(town: Town, creator: Creator, *, thing_prefix: str = "") -> str:
    """A new open data product."""
    stub = town.city.stub(DataProductsServiceStub, "data", as_=creator.founder)
    name = f"p{new_id()[-12:]}"
    product = DataProduct(
        name=name, title="Street counts", classification=CLASSIFICATION_OPEN, properties=[ProductProperty(name="vehicle_count", unit="{vehicle}")],
        thing_prefix=thing_prefix or f"{name}-", zone="Europe/Berlin",
    )  # fmt: skip
    product.earliest_time.CopyFrom(to_timestamp(datetime.now(UTC) - timedelta(days=60)))
    registered, shown = RegisterDataProductRequest(request_id=new_id(), product=product), PublishDataProductRequest(request_id=new_id(), name=name)
    await patiently(lambda: stub.RegisterDataProduct(registered))
    await patiently(lambda: stub.PublishDataProduct(shown))
    return name


async def program(town: Town) -> None:
    """Have the operator know the program that full services run."""
    stub: Any = town.city.stub(ArtefactServiceStub, "infrastructure")
    folder = ROOT / "e2e_tests" / "programs" / "quiet"
    asked = RegisterArtefactRequest(request_id=new_id(), name="quiet", folder=str(folder), argv=["{python}", "-S", "{folder}/quiet.py"])
    await patiently(lambda: stub.RegisterArtefact(asked))
