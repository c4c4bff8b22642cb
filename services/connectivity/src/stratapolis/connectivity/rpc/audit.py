"""The audit trail, shown and proved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from city.connectivity.v1 import audit_service_pb2 as pb
from stratapolis.chassis.db import Tx
from stratapolis.chassis.errors import InvalidField
from stratapolis.chassis.paging import Page
from stratapolis.chassis.rpc import Call
from stratapolis.chassis.times import to_time
from stratapolis.connectivity import codec, store
from stratapolis.connectivity.domain.audit import Fault, Published, Seal, check, check_tail

MOST_FAULTS = 100
RECORDS_A_PAGE = 10_000
"""A page of a proof ends at the seal that reaches this: some tenths of a second of hashing."""


@dataclass(slots=True)
class _Proof:
    """What a walk over a page of the trail has found: the last seal checked, and up to which record it has looked."""

    last: Seal | Published | None
    upto: int
    faults: list[Fault] = field(default_factory=list)
    seals: int = 0
    records: int = 0
    goes_on: bool = False


@dataclass(frozen=True, slots=True)
class Audit:
    """AuditService. `published` gives the newest seal as the topic has it; None: none was heard of."""

    published: Callable[[], Published | None]

    async def query_audit(self, request: pb.QueryAuditRequest, call: Call) -> pb.QueryAuditResponse:
        """Records, newest first."""
        page = Page.of(request, int)
        since = to_time(request.from_time) if request.HasField("from_time") else None
        until = to_time(request.to_time) if request.HasField("to_time") else None
        after = page.after[0] if page.after else None
        found = await store.audit.query(
            call.tx, subject=request.subject, action=request.action, object_=request.object, since=since, until=until, after=after, limit=page.size + 1
        )
        fitting, token = page.fit(found, codec.audit_record, lambda one: (one.number,))
        return pb.QueryAuditResponse(records=fitting, next_page_token=token)

    async def verify_audit(self, request: pb.VerifyAuditRequest, call: Call) -> pb.VerifyAuditResponse:
        """Recompute a page of seals; at the end, hold the trail against the seals that were seen outside of this database."""
        if bool(request.seal_number) != bool(request.seal_hash):
            raise InvalidField("seal_hash", "give number and hash of the seal, or neither")
        page = Page.of(request, int, str, int)
        # Read before the trail is: a seal published meanwhile is not missed in it.
        seen = [Published(request.seal_number, request.seal_hash)] if request.seal_number else []
        seen += [heard] if (heard := self.published()) is not None else []
        before, begin = (Published(page.after[0], page.after[1]), page.after[2]) if page.after else (None, 0)
        proof = await _walk(call.tx, _Proof(before, begin), page.size)
        if lost := await store.audit.count_lost(call.tx, begin, proof.upto if proof.goes_on else None):
            proof.faults.append(Fault(_number(proof), f"{lost} records neither wait for a seal nor lie under one"))
        if not proof.goes_on:
            for published in seen:
                proof.faults += check_tail(_number(proof), await store.audit.seal_hash(call.tx, published.number), published)
        return pb.VerifyAuditResponse(
            intact=not proof.faults, faults=[codec.audit_fault(fault) for fault in proof.faults[:MOST_FAULTS]], seals=proof.seals,
            records=proof.records, unsealed=await store.audit.count_unsealed(call.tx), newest_hash=proof.last.hash if proof.last else "",
            next_page_token=page.token(proof.last.number, proof.last.hash, proof.upto) if proof.goes_on and proof.last else "",
        )  # fmt: skip


async def _walk(tx: Tx, proof: _Proof, most: int) -> _Proof:
    """Recompute the seals behind the proof's last one, `most` at most."""
    for seal in await store.audit.seals(tx, _number(proof), most + 1):
        if proof.seals == most or proof.records >= RECORDS_A_PAGE:
            proof.goes_on = True
            break
        records = await store.audit.under(tx, seal.number)
        proof.faults += check(proof.last, seal, records)
        proof.last, proof.seals, proof.records = seal, proof.seals + 1, proof.records + len(records)
        proof.upto = max(proof.upto, *(record.number for record in records)) if records else proof.upto
    return proof


def _number(proof: _Proof) -> int:
    return proof.last.number if proof.last else 0
