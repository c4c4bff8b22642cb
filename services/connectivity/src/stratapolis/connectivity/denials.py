"""Denials in the audit trail: each is a record, past 100 a second and subject they are only counted."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from stratapolis.chassis.db import TRANSIENT, Database, Tx
from stratapolis.connectivity import store
from stratapolis.connectivity.domain.audit import Entry
from stratapolis.connectivity.domain.rate import Sampler

RECORDED_A_SECOND = 100
LONGEST_OBJECT = 64
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Denials:
    """What this process denied. A denial rolls its own work back, so its record has a transaction of its own."""

    db: Database
    _sampler: Sampler = field(default_factory=lambda: Sampler(RECORDED_A_SECOND))

    async def denied(self, subject: str, object_: str, reason: str, **detail: str) -> None:
        """Record that `subject` (empty: nobody we know) was denied something."""
        if not self._sampler.worth_a_record(subject, time.monotonic()):
            return
        entry = Entry(subject=subject, action="deny", object=object_[:LONGEST_OBJECT], outcome="denied", detail={"reason": reason, **detail})
        try:
            async with self.db.transaction() as tx:
                await store.audit.record(tx, entry)
        except TRANSIENT as error:
            # The denial stands whether or not it can be written down; the log has it then.
            log.error("denial_not_recorded", subject=subject, object=entry.object, reason=reason, error=type(error).__name__)  # noqa: TRY400 - a trace says nothing

    async def count_denials(self, *, tx: Tx, at: datetime) -> None:  # noqa: ARG002 - the shape of a job
        """Record how many denials were only counted; a job."""
        for subject, number in self._sampler.unrecorded(time.monotonic()).items():
            await store.audit.record(tx, Entry(subject=subject, action="deny", outcome="denied", detail={"reason": "SAMPLED", "count": str(number)}))
