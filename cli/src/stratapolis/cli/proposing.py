"""Manifests handed in, one or many: several at once, each with its own outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import grpc
from city.governance.v1.journey_pb2 import Journey
from city.governance.v1.journey_service_pb2 import BatchGetJourneysRequest, ProposeServiceRequest
from city.governance.v1.journey_service_pb2_grpc import JourneyServiceStub
from city.journey.v1.journey_pb2 import JourneyState
from rich.progress import Progress, TaskID
from stratapolis.chassis.ids import new_id
from stratapolis.cli.refused import Said, said
from stratapolis.cli.screen import Screen, as_data, word
from stratapolis.cli.timeline import ENDED

AT_ONCE = 8
LARGEST = 65_536
PAUSE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """What came of one file: a journey, or a refusal."""

    file: str
    journey: Journey | None = None
    said: Said | None = None

    @property
    def state(self) -> str:
        return word(JourneyState, self.journey.state) if self.journey is not None else ""

    def data(self) -> dict[str, Any]:
        """For programs."""
        error = {**asdict(self.said), "fields": dict(self.said.fields)} if self.said is not None else None
        return {"file": self.file, "journey": as_data(self.journey) if self.journey is not None else None, "error": error}


async def propose_all(stub: JourneyServiceStub, texts: Mapping[str, bytes], screen: Screen) -> list[Proposed]:
    """Hand in each manifest, a few at once; the outcomes in the order of the files."""
    gate = asyncio.Semaphore(AT_ONCE)
    with _progress(screen, len(texts)) as bar:
        task = bar.add_task("proposing", total=len(texts))

        async def one(file: str, text: bytes) -> Proposed:
            async with gate:
                done = await _propose(stub, file, text)
            bar.advance(task)
            return done

        return list(await asyncio.gather(*(one(file, text) for file, text in texts.items())))


async def _propose(stub: JourneyServiceStub, file: str, text: bytes) -> Proposed:
    if not text or len(text) > LARGEST:
        return Proposed(file=file, said=Said("MANIFEST_INVALID", f"the file has {len(text):,} bytes; a manifest has 1 to {LARGEST:,}"))
    try:
        answer = await stub.ProposeService(ProposeServiceRequest(request_id=new_id(), manifest_yaml=text))
    except grpc.aio.AioRpcError as error:
        return Proposed(file=file, said=said(error))
    return Proposed(file=file, journey=answer.journey)


async def until_ended(stub: JourneyServiceStub, done: list[Proposed], screen: Screen) -> list[Proposed]:
    """Wait until every journey has ended; each as it stands then. Each has a deadline of its own, so this ends."""
    open_ = {each.journey.journey_id: each.journey for each in done if each.journey is not None}
    ended: dict[str, Journey] = {}
    with _progress(screen, len(open_)) as bar:
        task = bar.add_task("waiting for the layers", total=len(open_))
        while len(ended) < len(open_):
            waiting = [journey_id for journey_id in open_ if journey_id not in ended]
            ended |= await _look(stub, waiting, bar, task)
            await asyncio.sleep(PAUSE if len(ended) < len(open_) else 0)
    return [replace(each, journey=ended[each.journey.journey_id]) if each.journey is not None else each for each in done]


async def _look(stub: JourneyServiceStub, waiting: list[str], bar: Progress, task: TaskID) -> dict[str, Journey]:
    found = (await stub.BatchGetJourneys(BatchGetJourneysRequest(journey_ids=waiting[:500]))).journeys
    ended = {journey.journey_id: journey for journey in found if journey.state in ENDED}
    bar.advance(task, len(ended))
    return ended


def _progress(screen: Screen, many: int) -> Progress:
    return Progress(console=screen.console, transient=True, disable=not screen.is_terminal or many < 2)
