"""Holds: what a layer reserves for a journey until it ends. One module for all layers that hold (docs/architecture.md, The journey).

A row per (service, version, journey): held -> active -> released, or refused. `released` is final and is written even where there was no row,
so that a late or redriven request cannot hold after the journey's end.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from city.governance.v1 import journey_service_pb2, journey_service_pb2_grpc
from city.governance.v1.events_pb2 import JourneyEnded, StageRequested
from city.journey.v1 import journey_pb2 as pb
from city.types.v1.types_pb2 import Share
from stratapolis.chassis import metrics, outbox
from stratapolis.chassis.app import On, Tends
from stratapolis.chassis.db import Database, Row, Tx
from stratapolis.chassis.rpc.client import Peers
from stratapolis.chassis.times import to_time, to_timestamp

GRACE = timedelta(seconds=5)
"""How long past its deadline a hold waits before the holder asks governance."""
REPAIR_AT_MOST = 100

LOCK = "select * from hold where service_id = $1 and version = $2 and journey_id = $3 for update"
PUT = """
    insert into hold (service_id, version, journey_id, owner, state, held, until_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8)
    on conflict (service_id, version, journey_id) do update
    set state = excluded.state, held = excluded.held, until_at = excluded.until_at, updated_at = excluded.updated_at"""
ANSWERED = "select answer from hold_answer where journey_id = $1 and stage = $2 and attempt = $3"
NOTE = """
    insert into hold_answer (journey_id, stage, attempt, answer) values ($1, $2, $3, $4)
    on conflict (journey_id, stage, attempt) do update set answer = excluded.answer"""
DUE = "select service_id, version, journey_id, until_at from hold where state = 'held' and until_at < now() - $1::interval order by until_at limit $2"


@dataclass(frozen=True, slots=True)
class Cleared:
    """A layer's yes: what it holds now, what it imposes, how long the clearance stands."""

    held: Sequence[pb.Held] = ()
    obligations: Sequence[pb.Obligation] = ()
    valid_until: datetime | None = None
    decided_on: str = ""
    shares: Sequence[Share] = ()
    endpoint: str = ""


Refusal = tuple[pb.Reason, ...]
Answer = Cleared | Refusal
"""A yes, or all reasons of a no."""

Stage = Callable[..., Awaitable[Answer | None]]
"""`async def clear(request: StageRequested, *, tx, at)`: reserve and say yes, or give all reasons; None: the layer answers later with `answer_later`."""
Ended = Callable[..., Awaitable[None]]
"""`async def ended(event: JourneyEnded, *, tx, at)`: live: make what is held active; else let go of it. Called only where something is held."""


class Undone(Exception):
    """Rolls a refused check's savepoint back: nothing of it stays reserved."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A layer's part in journeys: a function per stage it takes part in, and what it does when a journey ends."""

    layer: str
    stages: Mapping[pb.Stage.ValueType, Stage]
    ended: Ended
    grace: timedelta = field(default=GRACE)

    @property
    def hears(self) -> tuple[On, On]:
        """What the layer hears of journeys, for its wiring."""
        return On(StageRequested, self.on_stage_requested), On(JourneyEnded, self.on_journey_ended)

    def repairs(self, peers: Peers) -> tuple[Tends, ...]:
        """The job that asks governance about overdue holds, for the wiring."""

        async def repair_holds(db: Database) -> None:
            await self._repair(db, peers)

        return (Tends(timedelta(seconds=5), repair_holds),)

    async def on_stage_requested(self, request: StageRequested, *, tx: Tx, at: datetime) -> None:
        """Answer a stage that this layer is asked for: once, however often it is asked."""
        if self.layer not in request.layers:
            return
        known = await tx.row(ANSWERED, request.journey_id, request.stage, request.attempt)
        if known is not None:
            if known["answer"] is not None:
                await outbox.append(tx, pb.StageAnswered.FromString(known["answer"]))
            return
        row = await tx.row(LOCK, request.service_id, request.version, request.journey_id)
        if row is not None and row["state"] == "released":
            await self._answer(tx, request, (_ended(self.layer),))
            return
        answer = await self._ask(request, tx=tx, at=at)
        if answer is None:
            await tx.execute(NOTE, request.journey_id, request.stage, request.attempt, None)
        else:
            await self._answer(tx, request, answer, row)

    async def answer_later(self, tx: Tx, request: StageRequested, answer: Answer) -> None:
        """Give the answer to a stage whose function returned None; a journey that has ended meanwhile is not answered."""
        row = await tx.row(LOCK, request.service_id, request.version, request.journey_id)
        if row is None or row["state"] != "released":
            await self._answer(tx, request, answer, row)

    async def on_journey_ended(self, event: JourneyEnded, *, tx: Tx, at: datetime) -> None:
        """Live: what is held becomes active. Rejected or withdrawn: it is let go, and stays let go."""
        row = await tx.row(LOCK, event.service_id, event.version, event.journey_id)
        if row is not None and row["state"] in ("held", "active"):
            await self.ended(event, tx=tx, at=at)
        state, held = ("active", row["held"]) if row and row["state"] == "held" and event.state == pb.JOURNEY_STATE_LIVE else ("released", [])
        if row is None or row["state"] == "held":
            await tx.execute(PUT, event.service_id, event.version, event.journey_id, event.creator_id, state, held, row["until_at"] if row else at, at)

    async def _ask(self, request: StageRequested, *, tx: Tx, at: datetime) -> Answer | None:
        stage = self.stages.get(request.stage)
        if stage is None:
            return Cleared()
        answer: Answer | None = None
        try:
            async with tx.savepoint():
                answer = await stage(request, tx=tx, at=at)
                if isinstance(answer, tuple):
                    raise Undone
        except Undone:
            pass
        return answer

    async def _answer(self, tx: Tx, request: StageRequested, answer: Answer, row: Row | None = None) -> None:
        said = pb.StageAnswered(
            journey_id=request.journey_id, service_id=request.service_id, version=request.version, layer=self.layer, stage=request.stage,
            attempt=request.attempt, outcome=pb.OUTCOME_CLEARED if isinstance(answer, Cleared) else pb.OUTCOME_REFUSED,
        )  # fmt: skip
        held: list[dict[str, str]] = row["held"] if row is not None else []
        if isinstance(answer, Cleared):
            held = [{"kind": h.kind, "reference": h.reference, "amount": h.amount} for h in answer.held] or held
            said.held.extend(pb.Held(**h) for h in held)
            said.obligations.extend(answer.obligations)
            said.shares.extend(answer.shares)
            said.decided_on, said.endpoint = answer.decided_on, answer.endpoint
            if answer.valid_until is not None:
                said.valid_until_time.CopyFrom(to_timestamp(answer.valid_until))
        else:
            said.reasons.extend(answer)
        if row is None or row["state"] != "released":
            await self._note_hold(tx, request, held, refused=not isinstance(answer, Cleared), row=row)
        await tx.execute(NOTE, request.journey_id, request.stage, request.attempt, said.SerializeToString())
        await outbox.append(tx, said)

    async def _note_hold(self, tx: Tx, request: StageRequested, held: Sequence[Mapping[str, str]], *, refused: bool, row: Row | None) -> None:
        """A refusal of the clearing holds nothing; one of a later stage keeps what is held until the journey has ended."""
        state = "refused" if refused and not (row is not None and row["state"] == "held") else "held"
        until = to_time(request.until_time) if request.HasField("until_time") else tx.at
        await tx.execute(
            PUT, request.service_id, request.version, request.journey_id, request.creator_id, state, list(held) if state == "held" else [], until, tx.at
        )

    async def _repair(self, db: Database, peers: Peers) -> None:
        """Ask governance about holds past their deadline; release what has ended, never on our own clock alone."""
        async with db.transaction(readonly=True) as tx:
            due = await tx.fetch(DUE, self.grace, REPAIR_AT_MOST)
        metrics.HOLDS_STALE.labels(self.layer).set(len(due))
        if not due:
            return
        stub = peers.stub(journey_service_pb2_grpc.JourneyServiceStub, "governance")
        asked = journey_service_pb2.BatchGetJourneysRequest(journey_ids=sorted({r["journey_id"] for r in due}))
        answer: Any = await stub.BatchGetJourneys(asked)
        for journey in answer.journeys:
            if journey.state in _TERMINAL:
                async with db.transaction() as tx:
                    await self.on_journey_ended(_end_of(journey), tx=tx, at=tx.at)


_TERMINAL = frozenset({pb.JOURNEY_STATE_LIVE, pb.JOURNEY_STATE_REJECTED, pb.JOURNEY_STATE_WITHDRAWN})


def _end_of(journey: Any) -> JourneyEnded:
    return JourneyEnded(
        journey_id=journey.journey_id,
        service_id=journey.service_id,
        version=journey.version,
        kind=journey.kind,
        state=journey.state,
        creator_id=journey.creator_id,
    )


def _ended(layer: str) -> pb.Reason:
    return pb.Reason(layer=layer, code="JOURNEY_ENDED", message="the journey has ended", hint="propose again")


def reason(layer: str, code: str, message: str, *, field_path: str = "", hint: str = "") -> pb.Reason:
    """A reason of a refusal."""
    return pb.Reason(layer=layer, code=code, field_path=field_path, message=message, hint=hint)
