"""The world is made like the rows: software that is wanted runs, what is not wanted is gone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog
from city.governance.v1.events_pb2 import StageRequested
from stratapolis.chassis import outbox
from stratapolis.chassis.cause import Cause, because
from stratapolis.chassis.db import Database
from stratapolis.chassis.holds import Cleared, Holder
from stratapolis.infrastructure import handlers
from stratapolis.infrastructure.codec.deployments import said
from stratapolis.infrastructure.domain.deployment import Act, Deployment, Fact, Patience, State, given_up, step
from stratapolis.infrastructure.identities import Identities
from stratapolis.infrastructure.providers.provider import CannotStart, Provider
from stratapolis.infrastructure.store import artefacts, deployments

log = structlog.get_logger(__name__)
AT_ONCE = 8
AT_MOST = 100
PASSES = 5
PAUSE_SECONDS = 0.2
AGAIN = timedelta(seconds=1)
"""When a start is tried again that failed for no fault of the software's."""


class OtherwiseWanted(Exception):
    """Something else is wanted of a deployment by now: what was decided does not count."""


@dataclass(frozen=True, slots=True)
class Tender:
    """Tends deployments. Everything it does may be done again: it can be killed anywhere."""

    provider: Provider
    identities: Identities
    holder: Holder
    patience: Patience
    _ports: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def keep_tending(self, db: Database) -> None:
        """Tend for a second: the lock that keeps other replicas off costs a connection each time."""
        for _ in range(PASSES):
            await self.tend_deployments(db)
            await asyncio.sleep(PAUSE_SECONDS)

    async def tend_deployments(self, db: Database) -> None:
        """Look at all that are due, and do the next thing for each; end what belongs to none."""
        async with db.transaction(readonly=True) as tx:
            known, due, at = await deployments.there(tx), await deployments.due(tx, AT_MOST), tx.at
        for journey_id in await self.provider.end_orphans(known):
            log.warning("orphan_ended", journey_id=journey_id)
        turn = asyncio.Semaphore(AT_ONCE)

        async def tend(deployment: Deployment) -> None:
            async with turn:
                await self._tend(db, deployment, at=at)

        outcomes = await asyncio.gather(*(tend(deployment) for deployment in due), return_exceptions=True)
        failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        for failure in failures:
            log.error("deployment_not_tended", exc_info=failure)
        if failures and len(failures) == len(due):
            raise failures[0]

    async def _tend(self, db: Database, deployment: Deployment, *, at: datetime) -> None:
        seen = await self.provider.look(deployment)
        after, act, facts = step(deployment, seen, self.patience, at=at)
        match act:
            case Act.STOP | Act.KILL:
                await self.provider.stop(deployment, kill=act is Act.KILL)
            case Act.REMOVE:
                await self.provider.remove(deployment)
            case Act.START:
                await self._start(db, after, at=at)
                return
            case Act.NOTHING:
                pass
        await self._keep(db, after, facts)

    async def _start(self, db: Database, deployment: Deployment, *, at: datetime) -> None:
        """Noted first, then done: whoever comes back after a kill finds what was done by the place that was noted."""
        wanted = await self._placed(db, deployment)
        if wanted is None:
            return
        async with db.transaction(readonly=True) as tx:
            artefact = await artefacts.one(tx, wanted.artefact, wanted.sha256)
        if artefact is None:
            raise LookupError(f"artefact {wanted.artefact} {wanted.sha256} is gone")
        public_key = await self.provider.prepare(wanted)
        try:
            known = await self._identified(wanted, public_key)
        except Exception as error:  # noqa: BLE001 - whatever keeps connectivity from answering is no fault of the software's
            log.warning("identity_not_activated", service_id=wanted.service_id, error=repr(error))
            waiting = replace(wanted, started_at=None, start_at=at + AGAIN, look_at=at + AGAIN, message="waits for connectivity to activate its identity")
            await self._keep(db, waiting, ())
            return
        try:
            started = replace(known, process=await self.provider.start(known, artefact))
        except CannotStart as error:
            failed, _, facts = given_up(known, str(error), at=at)
            again = self.patience.pause(known.deaths + 1)
            await self._keep(db, replace(failed, started_at=None, deaths=known.deaths + 1, start_at=at + again, look_at=at + again), facts)
            return
        await self._keep(db, started, ())

    async def _placed(self, db: Database, deployment: Deployment) -> Deployment | None:
        """With a port of its own, one deployment at a time; None: it is not wanted any more."""
        async with self._ports:
            if deployment.port is None:
                async with db.transaction(readonly=True) as tx:
                    taken = await deployments.ports(tx)
                deployment = replace(deployment, port=self.provider.choose_port(taken))
            return deployment if await self._keep(db, deployment, ()) else None

    async def _identified(self, deployment: Deployment, public_key: str) -> Deployment:
        """With a key that connectivity knows as its own."""
        if public_key == deployment.public_key and deployment.subject:
            return deployment
        subject = await self.identities.activate(deployment.service_id, deployment.version, public_key)
        return replace(deployment, subject=subject, public_key=public_key)

    async def _keep(self, db: Database, deployment: Deployment, facts: tuple[Fact, ...]) -> bool:
        """One transaction: the journey's answer, the row, the facts, the capacity. In the order of locks that journeys take: hold, row, pool."""
        try:
            with because(Cause(correlation=deployment.journey_id)):
                async with db.transaction() as tx:
                    question = await deployments.question(tx, deployment.journey_id) if {Fact.READY, Fact.FAILED} & set(facts) else None
                    if question is not None:
                        answer = handlers.failed(deployment.message) if deployment.state is State.FAILED else Cleared(endpoint=deployment.endpoint)
                        await self.holder.answer_later(tx, StageRequested.FromString(question), answer)
                    if not await deployments.put(tx, deployment, answered=question is not None):
                        raise OtherwiseWanted
                    await outbox.append(tx, *(said(deployment, fact) for fact in facts))
                    if Fact.RETIRED in facts:
                        await handlers.give_back(tx, deployment.journey_id, tx.at)
        except OtherwiseWanted:
            return False
        return True
