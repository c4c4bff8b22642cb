"""Holds: what a layer reserves for a journey until it ends. One module for all layers that hold (docs/architecture.md, The journey).

A row per (service, version, journey): held -> active -> draining -> released, or refused. `released` is final and is written even where there was
no row, so that a late or redriven request cannot hold after the journey's end. A version that another one replaces drains until the time that
governance says, then it is let go; a retirement lets go of all versions at once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

import structlog
from city.governance.v1.events_pb2 import JourneyEnded, StageRequested
from city.journey.v1 import journey_pb2 as pb
from city.types.v1.types_pb2 import Share
from stratapolis.chassis import outbox
from stratapolis.chassis.app import Every, On
from stratapolis.chassis.cause import Cause, because
from stratapolis.chassis.db import Row, Tx
from stratapolis.chassis.telemetry import span, traceparent
from stratapolis.chassis.times import to_time, to_timestamp

log = structlog.get_logger(__name__)
AT_MOST = 50
"""How many versions or services one run of a job lets go of; the next run is a second away."""

LOCK = "select * from hold where service_id = $1 and version = $2 and journey_id = $3 for update"
PUT = """
    insert into hold (service_id, version, journey_id, owner, state, held, until_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8)
    on conflict (service_id, version, journey_id) do update
    set state = excluded.state, held = excluded.held, until_at = excluded.until_at, updated_at = excluded.updated_at"""
DRAIN = """
    update hold set state = 'draining', until_at = $4, updated_at = $5
    where service_id = $1 and version = $2 and journey_id = $3 and state = 'active'"""
RELEASE = "update hold set state = 'released', held = '[]', updated_at = $4 where service_id = $1 and version = $2 and journey_id = $3"
DRAINED = "select * from hold where state = 'draining' and until_at <= $1 order by until_at limit $2 for update skip locked"
OPEN = "select * from hold where service_id = $1 and version <= $2 and state in ('held', 'active', 'draining') order by version for update"
ANSWERED = "select answer from hold_answer where journey_id = $1 and stage = $2 and attempt = $3"
NOTE = """
    insert into hold_answer (journey_id, stage, attempt, answer, question, traceparent) values ($1, $2, $3, $4, $5, $6)
    on conflict (journey_id, stage, attempt) do update set answer = excluded.answer, question = excluded.question"""
ASKED_IN = "select traceparent from hold_answer where journey_id = $1 and stage = $2 and attempt = $3"
RETIRING = "select question, traceparent from hold_answer where question is not null order by journey_id limit $1 for update skip locked"


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
WentLive = Callable[..., Awaitable[None]]
"""`async def went_live(event: JourneyEnded, *, tx, at)`: what is held becomes active. Called only where something is held."""
LetGo = Callable[..., Awaitable[None]]
"""`async def let_go(version: Version, *, tx, at)`: nothing of this version stays held. Called once for what was held or active."""


class Why(StrEnum):
    """Why a version is let go of."""

    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    REPLACED = "replaced"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a service that is let go of, and the journey that held it."""

    service_id: str
    version: int
    journey_id: str
    owner: str
    why: Why


class Undone(Exception):
    """Rolls a refused check's savepoint back: nothing of it stays reserved."""


async def _nothing(event: JourneyEnded, *, tx: Tx, at: datetime) -> None:
    """Holds that are active as they are."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A layer's part in journeys: a function per stage it takes part in, what it does when a version goes live, and how it lets go of one.

    The function for STAGE_RETIRING is called when all versions are let go of, for what belongs to the service as a whole; where it returns None
    it is called again each second until it answers.
    """

    layer: str
    stages: Mapping[pb.Stage.ValueType, Stage]
    let_go: LetGo
    went_live: WentLive = field(default=_nothing)

    @property
    def hears(self) -> tuple[On, On]:
        """What the layer hears of journeys, for its wiring."""
        return On(StageRequested, self.on_stage_requested), On(JourneyEnded, self.on_journey_ended)

    @property
    def every(self) -> tuple[Every, Every]:
        """What lets go on a clock, for the wiring; `holds_repair.repairs` asks governance about what is overdue."""
        return Every(timedelta(seconds=1), self.let_go_drained), Every(timedelta(seconds=1), self.finish_retiring)

    async def on_stage_requested(self, request: StageRequested, *, tx: Tx, at: datetime) -> None:
        """Answer a stage that this layer is asked for: once, however often it is asked."""
        if self.layer not in request.layers:
            return
        known = await tx.row(ANSWERED, request.journey_id, request.stage, request.attempt)
        if known is not None:
            if known["answer"] is not None:
                await outbox.append(tx, pb.StageAnswered.FromString(known["answer"]))
        elif request.stage == pb.STAGE_RETIRING:
            await self._retire(request, tx=tx, at=at)
        else:
            await self._reserve(request, tx=tx, at=at)

    async def answer_later(self, tx: Tx, request: StageRequested, answer: Answer) -> None:
        """Give the answer to a stage whose function returned None; a journey that has ended meanwhile is not answered."""
        row = await tx.row(LOCK, request.service_id, request.version, request.journey_id)
        if row is None or row["state"] != "released":
            asked_in = await tx.value(ASKED_IN, request.journey_id, request.stage, request.attempt)
            with span("answer later", asked_in or ""), because(Cause(correlation=request.journey_id)):
                await self._answer(tx, request, answer, row)

    async def on_journey_ended(self, event: JourneyEnded, *, tx: Tx, at: datetime) -> None:
        """Live: what is held becomes active, and what it replaces drains. Rejected, withdrawn: it is let go, and stays let go. Retired: the same for all."""
        if event.state == pb.JOURNEY_STATE_RETIRED:
            await self._retired(event, tx=tx, at=at)
            return
        row = await tx.row(LOCK, event.service_id, event.version, event.journey_id)
        is_live = event.state == pb.JOURNEY_STATE_LIVE
        if row is None:
            await tx.execute(PUT, event.service_id, event.version, event.journey_id, event.creator_id, "released", [], at, at)
        elif row["state"] == "held" and is_live:
            await self.went_live(event, tx=tx, at=at)
            await tx.execute(PUT, event.service_id, event.version, event.journey_id, event.creator_id, "active", row["held"], row["until_at"], at)
        elif row["state"] == "held":
            await self._let_go(tx, row, Why.WITHDRAWN if event.state == pb.JOURNEY_STATE_WITHDRAWN else Why.REJECTED, at)
        if is_live and event.HasField("replaces"):
            until = to_time(event.drain_until_time)
            await tx.execute(DRAIN, event.service_id, event.replaces.version, event.replaces.journey_id, until, at)

    async def let_go_drained(self, *, tx: Tx, at: datetime) -> None:
        """A job: versions that were replaced and have served long enough go."""
        for row in await tx.fetch(DRAINED, at, AT_MOST):
            try:
                async with tx.savepoint():
                    with because(Cause(correlation=row["journey_id"])):
                        await self._let_go(tx, row, Why.REPLACED, at)
            except Exception:
                log.exception("version_not_let_go", service_id=row["service_id"], version=row["version"])

    async def finish_retiring(self, *, tx: Tx, at: datetime) -> None:
        """A job: retirements whose letting go takes a while are answered when it is done."""
        for row in await tx.fetch(RETIRING, AT_MOST):
            request = StageRequested.FromString(row["question"])
            try:
                async with tx.savepoint():
                    with because(Cause(correlation=request.journey_id)), span("finish retiring", row["traceparent"]):
                        await self._retire(request, tx=tx, at=at)
            except Exception:
                log.exception("retirement_not_finished", service_id=request.service_id)

    async def _reserve(self, request: StageRequested, *, tx: Tx, at: datetime) -> None:
        row = await tx.row(LOCK, request.service_id, request.version, request.journey_id)
        if row is not None and row["state"] == "released":
            await self._answer(tx, request, (_ended(self.layer),), row)
            return
        answer = await self._ask(request, tx=tx, at=at)
        if answer is None:
            await tx.execute(NOTE, request.journey_id, request.stage, request.attempt, None, None, traceparent())
        else:
            await self._answer(tx, request, answer, row)

    async def _retire(self, request: StageRequested, *, tx: Tx, at: datetime) -> None:
        """Let go of every version there is, then of what belongs to the service; no layer can refuse that."""
        for row in await tx.fetch(OPEN, request.service_id, request.version):
            await self._let_go(tx, row, Why.RETIRED, at)
        stage = self.stages.get(pb.STAGE_RETIRING)
        answer = Cleared() if stage is None else await stage(request, tx=tx, at=at)
        if answer is None:
            await tx.execute(NOTE, request.journey_id, request.stage, request.attempt, None, request.SerializeToString(), traceparent())
        else:
            await self._answer(tx, request, answer)

    async def _retired(self, event: JourneyEnded, *, tx: Tx, at: datetime) -> None:
        """The end of a retirement asks once more: who could not take the question lets go now, and answers late."""
        request = StageRequested(
            journey_id=event.journey_id, service_id=event.service_id, version=event.version, kind=event.kind, stage=pb.STAGE_RETIRING, attempt=1,
            until_time=event.ended_time, layers=[self.layer], creator_id=event.creator_id, replaces=event.replaces,
        )  # fmt: skip
        if await tx.row(ANSWERED, request.journey_id, request.stage, request.attempt) is None:
            await self._retire(request, tx=tx, at=at)

    async def _let_go(self, tx: Tx, row: Row, why: Why, at: datetime) -> None:
        key = row["service_id"], row["version"], row["journey_id"]
        version = Version(service_id=row["service_id"], version=row["version"], journey_id=row["journey_id"], owner=row["owner"], why=why)
        await self.let_go(version, tx=tx, at=at)
        await tx.execute(RELEASE, *key, at)

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
        held: list[dict[str, str]] = row["held"] if row is not None else []
        if isinstance(answer, Cleared):
            held = [{"kind": h.kind, "reference": h.reference, "amount": h.amount} for h in answer.held] or held
        said = self._said(request, answer, held)
        if request.stage != pb.STAGE_RETIRING and (row is None or row["state"] != "released"):
            await self._note_hold(tx, request, held, refused=not isinstance(answer, Cleared), row=row)
        await tx.execute(NOTE, request.journey_id, request.stage, request.attempt, said.SerializeToString(), None, traceparent())
        await outbox.append(tx, said)

    def _said(self, request: StageRequested, answer: Answer, held: Sequence[Mapping[str, str]]) -> pb.StageAnswered:
        said = pb.StageAnswered(
            journey_id=request.journey_id, service_id=request.service_id, version=request.version, layer=self.layer, stage=request.stage,
            attempt=request.attempt, outcome=pb.OUTCOME_CLEARED if isinstance(answer, Cleared) else pb.OUTCOME_REFUSED,
        )  # fmt: skip
        if not isinstance(answer, Cleared):
            said.reasons.extend(answer)
            return said
        said.held.extend(pb.Held(**h) for h in held)
        said.obligations.extend(answer.obligations)
        said.shares.extend(answer.shares)
        said.decided_on, said.endpoint = answer.decided_on, answer.endpoint
        if answer.valid_until is not None:
            said.valid_until_time.CopyFrom(to_timestamp(answer.valid_until))
        return said

    async def _note_hold(self, tx: Tx, request: StageRequested, held: Sequence[Mapping[str, str]], *, refused: bool, row: Row | None) -> None:
        """A refusal of the clearing holds nothing; one of a later stage keeps what is held until the journey has ended."""
        state = "refused" if refused and not (row is not None and row["state"] == "held") else "held"
        until = to_time(request.until_time) if request.HasField("until_time") else tx.at
        await tx.execute(
            PUT, request.service_id, request.version, request.journey_id, request.creator_id, state, list(held) if state == "held" else [], until, tx.at
        )


def _ended(layer: str) -> pb.Reason:
    return pb.Reason(layer=layer, code="JOURNEY_ENDED", message="the journey has ended", hint="propose again")


def reason(layer: str, code: str, message: str, *, field_path: str = "", hint: str = "") -> pb.Reason:
    """A reason of a refusal."""
    return pb.Reason(layer=layer, code=code, field_path=field_path, message=message, hint=hint)
