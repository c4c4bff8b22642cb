"""The audit trail: records, seals over them in batches, and the proof that nothing was changed or cut."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

FIRST = "0" * 64
"""What the first seal has for the seal before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is to be recorded: who did what to which object, done or denied; `detail` is never personal and holds no secret."""

    subject: str
    action: str
    object: str = ""
    outcome: str = "done"
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """An entry as it stands in the trail; `seal` 0: not sealed yet."""

    number: int
    at: datetime
    entry: Entry
    seal: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """A hash over a batch of records and the seal before."""

    number: int
    hash: str
    records: int
    sealed_at: datetime


@dataclass(frozen=True, slots=True)
class Published:
    """A seal as it was seen outside of the database that keeps the trail."""

    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with the trail, and the seal that shows it."""

    seal: int
    message: str


def seal_hash(previous: str, number: int, records: Sequence[Record]) -> str:
    """SHA-256 over the seal before, this one's number, and every record in order, each as a line of JSON."""
    sha = hashlib.sha256(f"{previous}\n{number}\n{len(records)}\n".encode())
    for record in records:
        entry = record.entry
        line = [record.number, record.at.astimezone(UTC).isoformat(), entry.subject, entry.action, entry.object, entry.outcome, sorted(entry.detail.items())]
        sha.update(json.dumps(line, ensure_ascii=True, separators=(",", ":")).encode() + b"\n")
    return sha.hexdigest()


def seal(newest: Seal | None, records: Sequence[Record], *, at: datetime) -> Seal:
    """The next seal, over these records in the order of their numbers."""
    number = newest.number + 1 if newest else 1
    return Seal(number=number, hash=seal_hash(newest.hash if newest else FIRST, number, records), records=len(records), sealed_at=at)


def check(before: Seal | Published | None, stands: Seal, records: Sequence[Record]) -> tuple[Fault, ...]:
    """What is wrong with one seal, given the seal that stands before it and the records under it, ordered by number."""
    faults = []
    expected = before.number + 1 if before else 1
    if stands.number != expected:
        faults.append(Fault(stands.number, f"seal {expected} is missing"))
    if len(records) != stands.records:
        faults.append(Fault(stands.number, f"{len(records)} records lie under a seal over {stands.records}"))
    elif seal_hash(before.hash if before else FIRST, stands.number, records) != stands.hash:
        faults.append(Fault(stands.number, "the records, or the seal before, were changed"))
    return tuple(faults)


def check_tail(newest: int, hash_at: str | None, seen: Published) -> tuple[Fault, ...]:
    """What is wrong with the end: a seal that was seen outside must still stand. `hash_at` is the hash of that number here."""
    if hash_at is None:
        return (Fault(seen.number, f"seal {seen.number} was published, but the trail ends at {newest}"),)
    if hash_at != seen.hash:
        return (Fault(seen.number, f"seal {seen.number} is not the one that was published"),)
    return ()
