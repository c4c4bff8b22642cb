"""The audit trail, shown and proved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from city.connectivity.v1 import audit_service_pb2 as pb
from stratapolis.chassis.db import Tx
from stratapolis.chassis.errors import InvalidField
from stratapolis.chassis.paging import Page
from stratapolis.chassis.rpc import Call
from stratapolis.chassis.times import to_time
from stratapolis.connectivity import codec, store
from stratapolis.connectivity.domain.audit import Fault, Published, Seal, check, check_tail

SEALS_AT_ONCE = 100
MOST_FAULTS = 100


@dataclass(slots=True)
class _Proof:
    """What a walk over the trail has found."""

    faults: list[Fault]
    newest: Seal | None = None
    seals: int = 0
    records: int = 0


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
        """Recompute every seal, and hold the trail against the seals that were seen outside of this database."""
        if bool(request.seal_number) != bool(request.seal_hash):
            raise InvalidField("seal_hash", "give number and hash of the seal, or neither")
        # Read before the trail is: a seal published meanwhile is not missed in it.
        seen = [Published(request.seal_number, request.seal_hash)] if request.seal_number else []
        seen += [heard] if (heard := self.published()) is not None else []
        proof = await _walk(call.tx)
        newest = proof.newest.number if proof.newest else 0
        for published in seen:
            proof.faults += check_tail(newest, await store.audit.seal_hash(call.tx, published.number), published)
        waiting, lost = await store.audit.count_unsealed(call.tx)
        if lost:
            proof.faults.append(Fault(newest, f"{lost} records neither wait for a seal nor lie under one"))
        return pb.VerifyAuditResponse(
            intact=not proof.faults, faults=[codec.audit_fault(fault) for fault in proof.faults[:MOST_FAULTS]], seals=proof.seals,
            records=proof.records, unsealed=waiting, newest_hash=proof.newest.hash if proof.newest else "",
        )  # fmt: skip


async def _walk(tx: Tx) -> _Proof:
    proof = _Proof([])
    while batch := await store.audit.seals(tx, proof.newest.number if proof.newest else 0, SEALS_AT_ONCE):
        for seal in batch:
            records = await store.audit.under(tx, seal.number)
            proof.faults += check(proof.newest, seal, records)
            proof.newest, proof.seals, proof.records = seal, proof.seals + 1, proof.records + len(records)
    return proof
