"""Events that cannot be applied, and what an operator does about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from city.operations.v1.operations_service_pb2 import DeadLetter, DiscardDeadLetterRequest, GetDeadLetterRequest, RedriveDeadLetterRequest
from city.operations.v1.operations_service_pb2_grpc import OperationsServiceStub
from stratapolis.chassis import contract
from stratapolis.chassis.ids import new_id
from stratapolis.cli.local.city import until

from e2e_tests.conftest import LAYERS, Town, patiently
from e2e_tests.wire import Sent

AT = "select id from dead_letter where (topic, part, position) = ($1, $2, $3)"
Letters = Mapping[str, int]
"""A dead letter's id in each layer that has one."""


def readers(topic: str) -> Sequence[str]:
    """The layers of this city that hear a topic."""
    return [layer for layer in LAYERS if contract.topics()[topic].may_read(layer) and contract.topics()[topic].writer != layer]


async def letters(town: Town, sent: Sent, *layers: str, within: float = 30) -> Letters:
    """The dead letter that each of these layers has made of a record, once it has."""
    found: dict[str, int] = {}

    async def all_there() -> bool:
        for layer in layers:
            if rows := await town.rows(layer, AT, sent.topic, sent.partition, sent.offset):
                found[layer] = rows[0]["id"]
        return len(found) == len(layers)

    await until(all_there, f"a dead letter of {sent} in {', '.join(layers)}", within=within)
    return found


async def shown(town: Town, layer: str, letter: int) -> DeadLetter:
    """A dead letter as operators see it."""
    stub = town.city.stub(OperationsServiceStub, layer)
    found: DeadLetter = (await patiently(partial(stub.GetDeadLetter, GetDeadLetterRequest(id=letter)))).dead_letter
    return found


async def discard(town: Town, found: Letters) -> dict[str, int]:
    """Give it up in every layer; how many waiting events each has applied then."""
    applied = {}
    for layer, letter in found.items():
        stub, asked = town.city.stub(OperationsServiceStub, layer), DiscardDeadLetterRequest(request_id=new_id(), id=letter, reason="a test wrote it")
        applied[layer] = (await patiently(partial(stub.DiscardDeadLetter, asked))).applied
    return applied


async def redrive(town: Town, layer: str, letter: int) -> int:
    """Apply it again in a layer, and what waits behind it; how many were."""
    stub, asked = town.city.stub(OperationsServiceStub, layer), RedriveDeadLetterRequest(request_id=new_id(), id=letter)
    return int((await patiently(partial(stub.RedriveDeadLetter, asked))).applied)
