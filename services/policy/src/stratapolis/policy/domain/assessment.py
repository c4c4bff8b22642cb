"""What a proposal needs before it may go on: all reasons at once, or what is held for it.

Two kinds of rules meet here. Facts of agreements and money stand in this module: no city may waive them. What a city asks for
(statements, assessments, an officer's approval) are Cedar rules of its policy set; their ruling comes in as a value.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from stratapolis.policy.domain.agreement import WHOLE, Agreement, Share
from stratapolis.policy.domain.funding import NOTHING, Source, plain

Fact = bool | int | str | list[str]
"""What a Cedar rule can look at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One reason against a proposal; `field_path` is the place in the manifest it is about."""

    code: str
    message: str
    field_path: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Obligation:
    """What a clearance asks for beyond itself, such as an officer's approval."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What the city's policy set says of a proposal, and the version of it."""

    version: int
    findings: tuple[Finding, ...] = ()
    obligations: tuple[Obligation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Creator:
    """Who proposes, as governance said it; of one that policy has not heard of yet, the kind is empty. `competencies` count now, by code."""

    creator_id: str
    kind: str = ""
    suspended: bool = False
    competencies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingAsk:
    """Money asked for from a source."""

    source_id: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a manifest says that policy looks at. `facts` are the manifest's own, for the city's rules; `shares` are as its author understands them."""

    creator_id: str
    currency: str
    agreement_id: str = ""
    shares: tuple[Share, ...] = ()
    funding: tuple[FundingAsk, ...] = ()
    facts: Mapping[str, Fact]

    @property
    def wanted(self) -> dict[str, Decimal]:
        """The money asked for, by source in rising order: locks are taken in this order."""
        total: dict[str, Decimal] = {}
        for ask in sorted(self.funding, key=lambda ask: ask.source_id):
            total[ask.source_id] = total.get(ask.source_id, NOTHING) + ask.amount
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What policy knows of the things a proposal names; what is not there is missing. `held` is what this version has of each source already,
    `carried` are the sources whose money it has from the live version, unchanged: granted then, and not asked for again."""

    agreement: Agreement | None
    sources: Mapping[str, Source]
    held: Mapping[str, Decimal]
    carried: AbstractSet[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """The answer to a proposal: refused where there are findings, else cleared until `valid_until` (None: for good)."""

    findings: tuple[Finding, ...]
    obligations: tuple[Obligation, ...]
    shares: tuple[Share, ...]
    valid_until: datetime | None
    version: int


def facts(proposal: Proposal, known: Known, *, approval_above: int) -> dict[str, Fact]:
    """What the city's rules look at: the manifest's facts and those of the agreement and the sources it names."""
    sources = [known.sources[name] for name in proposal.wanted if name in known.sources]
    return {
        **proposal.facts,
        "currency": proposal.currency,
        "partnership": bool(proposal.agreement_id),
        "parties": sorted(known.agreement.parties) if known.agreement else [],
        "funding_kinds": sorted({source.kind.value for source in sources}),
        "funding_units": whole_units(sum(proposal.wanted.values(), NOTHING)),
        "approval_above": approval_above,
    }


def whole_units(amount: Decimal) -> int:
    """The amount in whole units of its currency, rounded up: Cedar has no numbers with nine places."""
    return math.ceil(amount)


def assess(proposal: Proposal, known: Known, ruling: Ruling, *, at: datetime) -> Assessment:
    """All reasons against the proposal, those of the city's rules first; or what it is cleared with."""
    findings = (*ruling.findings, *_partnership(proposal, known.agreement, at), *_funding(proposal, known, at))
    ends = [source.end_at for name, source in known.sources.items() if name in proposal.wanted and name not in known.carried]
    if known.agreement is not None:
        ends.append(known.agreement.end_at)
    return Assessment(
        findings=findings,
        obligations=() if findings else ruling.obligations,
        shares=_shares(proposal, known.agreement),
        valid_until=min(ends, default=None),
        version=ruling.version,
    )


def _shares(proposal: Proposal, agreement: Agreement | None) -> tuple[Share, ...]:
    """The agreement's; without one, all of the revenue is the value creator's."""
    return agreement.shares if agreement is not None else (Share(party=proposal.creator_id, basis_points=WHOLE),)


def _partnership(proposal: Proposal, agreement: Agreement | None, at: datetime) -> Iterator[Finding]:
    if not proposal.agreement_id:
        return
    path = "spec.partnership.agreement"
    if agreement is None or proposal.creator_id not in agreement.parties:
        # Others' agreement looks exactly like none.
        message = f"there is no agreement {proposal.agreement_id}"
        yield Finding(code="AGREEMENT_NOT_FOUND", field_path=path, message=message, hint="name an agreement that your value creator is a party of")
        return
    if agreement.signed_at is None:
        missing = sorted(agreement.parties - {signature.party for signature in agreement.signatures})
        yield Finding(code="AGREEMENT_NOT_SIGNED", field_path=path, message=f"not signed by {', '.join(missing)}", hint="each party signs by SignAgreement")
    if at < agreement.start_at:
        begins = f"{agreement.start_at:%Y-%m-%d %H:%M} UTC"
        yield Finding(code="AGREEMENT_NOT_BEGUN", field_path=path, message=f"the agreement begins at {begins}", hint="propose once it has begun")
    if at >= agreement.end_at:
        ended = f"{agreement.end_at:%Y-%m-%d %H:%M} UTC"
        yield Finding(code="AGREEMENT_ENDED", field_path=path, message=f"the agreement ended at {ended}", hint="make and sign a new one")
    if proposal.currency and proposal.currency != agreement.currency:
        yield _differing("spec.price.currency", proposal.currency, agreement.currency, "the agreement")
    if proposal.shares and set(proposal.shares) != set(agreement.shares):
        signed = ", ".join(f"{share.party} {share.basis_points}" for share in agreement.shares)
        yield Finding(code="SHARES_DIFFER", field_path="spec.partnership.shares", message=f"signed was: {signed}", hint="write the agreement's shares, or none")


def _funding(proposal: Proposal, known: Known, at: datetime) -> Iterator[Finding]:
    exhausted: set[str] = set()
    for index, ask in enumerate(proposal.funding):
        path = f"spec.funding[{index}]"
        source = known.sources.get(ask.source_id)
        if source is None:
            message = f"there is no funding source {ask.source_id}"
            yield Finding(code="FUNDING_NOT_FOUND", field_path=f"{path}.source", message=message, hint="ListFundingSources shows what there is")
            continue
        if ask.amount <= NOTHING:
            yield Finding(code="AMOUNT_NOT_VALID", field_path=f"{path}.amount", message="nothing is asked for", hint="ask for more than 0, or leave it out")
        if not source.runs(at) and ask.source_id not in known.carried:
            term = f"{source.start_at:%Y-%m-%d} to {source.end_at:%Y-%m-%d}"
            hint = "choose a source whose term runs"
            yield Finding(code="FUNDING_OUT_OF_TERM", field_path=f"{path}.source", message=f"the source's term is {term}", hint=hint)
        if proposal.currency != source.currency:
            yield _differing(f"{path}.source", proposal.currency or "no currency", source.currency, "the source")
        left = source.available + known.held.get(ask.source_id, NOTHING)
        if proposal.wanted[ask.source_id] > left and ask.source_id not in exhausted:
            exhausted.add(ask.source_id)
            message = f"the source has {source.currency} {plain(left)} left, {plain(proposal.wanted[ask.source_id])} is asked for"
            yield Finding(code="FUNDING_EXHAUSTED", field_path=f"{path}.amount", message=message, hint="ask for less, or from another source")


def _differing(path: str, ours: str, theirs: str, whose: str) -> Finding:
    message = f"the manifest is in {ours}, {whose} in {theirs}"
    return Finding(code="CURRENCY_DIFFERS", field_path=path, message=message, hint=f"one currency a service: use {theirs}")
