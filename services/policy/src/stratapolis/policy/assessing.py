"""How a proposal is assessed on what the database says: the policy set in force, the agreement, the sources, the value creator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from stratapolis.chassis.db import Tx
from stratapolis.policy.domain.agreement import Agreement
from stratapolis.policy.domain.assessment import Assessment, Finding, Known, Proposal, Ruling, assess, facts
from stratapolis.policy.domain.errors import AgreementNotFound, NotFounded
from stratapolis.policy.domain.funding import Reservation, Source
from stratapolis.policy.rules import Rules
from stratapolis.policy.store import agreements, creators, policies


@dataclass(slots=True)
class InForce:
    """The policy set in force, parsed once. The database is asked for its version each time: what is decided here is decided on the truth."""

    _rules: Rules | None = None

    async def rules(self, tx: Tx) -> Rules:
        """The rules in force; raises NotFounded."""
        version = await policies.version_in_force(tx)
        if version == 0:
            raise NotFounded
        if self._rules is None or self._rules.version != version:
            self._rules = Rules.published((await policies.get(tx, version)).cedar, version=version)
        return self._rules


@dataclass(frozen=True, slots=True)
class Assessor:
    """Assesses proposals. Funding above `approval_above`, in whole units of its currency, is what the rules call large."""

    approval_above: int
    in_force: InForce = field(default_factory=InForce)

    async def assess(
        self, tx: Tx, name: str, proposal: Proposal, sources: Mapping[str, Source], held: tuple[Reservation, ...] = (), *, at: datetime
    ) -> Assessment:
        """The answer to a proposal called `name`; `sources` are those it names, `held` is what this version has of them already, or refers to."""
        known = Known(
            agreement=await _agreement(tx, proposal),
            sources=sources,
            held={reservation.source_id: reservation.amount for reservation in held},
            carried=frozenset(reservation.source_id for reservation in held if reservation.carried_from is not None),
        )
        return assess(proposal, known, await self._ruling(tx, name, proposal, known, at), at=at)

    async def _ruling(self, tx: Tx, name: str, proposal: Proposal, known: Known, at: datetime) -> Ruling:
        try:
            rules = await self.in_force.rules(tx)
        except NotFounded as refused:
            return Ruling(version=0, findings=(Finding(code=refused.reason, message=refused.message, hint="FoundPolicy"),))
        creator = await creators.get(tx, proposal.creator_id, at)
        return rules.rule(creator, name, facts(proposal, known, approval_above=self.approval_above))


async def _agreement(tx: Tx, proposal: Proposal) -> Agreement | None:
    """The agreement that is named, if the value creator is a party of it."""
    if not proposal.agreement_id:
        return None
    try:
        return await agreements.get(tx, proposal.agreement_id, (proposal.creator_id,))
    except AgreementNotFound:
        return None
