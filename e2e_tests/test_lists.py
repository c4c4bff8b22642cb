"""Every list of every layer, found in the contract: a page token that was made up is the caller's mistake, whatever stands in it."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime
from itertools import product
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from stratapolis.chassis.testing import forged_token

from e2e_tests import shapes
from e2e_tests.conftest import LAYERS, LETTING_GO, Town

SHARED = {"city.journey.v1": LETTING_GO, "city.operations.v1": LAYERS}
"""Services that more than one layer answers."""
TIME, LAST = ({"t": at.isoformat()} for at in (datetime(2026, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)))
FEW: list[Any] = ["x", "a\0b", 1, TIME, LAST]
MANY: list[Any] = [*FEW, "", -1, 2**31, 2**63, 1.5, 1e300, None, True, ["x"], {"t": 1}]
PAIRS = {repr(pair): pair for one, other in product(MANY, FEW) for pair in ([one, other], [other, one])}
BODIES = [[], *([value] for value in MANY), *PAIRS.values(), *map(list, product(FEW, repeat=3)), ["x"] * 9]
AT_ONCE = 30
EXPECTED = (grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND)
"""By chance some are of the kinds that a list sorts by: these lead on, as far as there is anything."""


def lists() -> list[tuple[str, MethodDescriptor]]:
    """Every RPC that gives pages, at every layer that answers it."""
    paged = [rpc for rpc in shapes.rpcs() if "page_token" in rpc.input_type.fields_by_name]
    return [(layer, rpc) for rpc in paged for layer in _answering(rpc.containing_service.file.package)]


def _answering(package: str) -> tuple[str, ...]:
    return SHARED.get(package, (package.split(".")[1],))


async def test_g12_no_forged_page_token_of_any_list_is_more_than_the_callers_mistake(town: Town) -> None:
    wrong: list[tuple[str, str, list[Any], grpc.StatusCode]] = []
    codes = Counter[grpc.StatusCode]()
    turns = asyncio.Semaphore(AT_ONCE)

    async def ask(layer: str, rpc: MethodDescriptor, channel: grpc.aio.Channel, token: str, values: list[Any]) -> None:
        request = shapes.valid(rpc.input_type)
        request.page_token = forged_token(request, values)  # type: ignore[attr-defined]
        call: Any = channel.unary_unary(f"/{rpc.containing_service.full_name}/{rpc.name}")
        async with turns:
            try:
                await call(request.SerializeToString(), timeout=10, metadata=(("authorization", f"Bearer {token}"),))
                code = grpc.StatusCode.OK
            except grpc.aio.AioRpcError as error:
                code = error.code()
        codes[code] += 1
        if code not in EXPECTED:
            wrong.append((layer, rpc.full_name, values, code))

    found = lists()
    for layer in LAYERS:
        token = await town.city.client().token(layer)
        async with grpc.aio.insecure_channel(town.city.at.grpc[layer][0]) as channel:
            await asyncio.gather(*(ask(layer, rpc, channel, token, values) for at, rpc in found if at == layer for values in BODIES))
    assert wrong[:20] == []
    assert len(found) >= 40
    assert codes[grpc.StatusCode.INVALID_ARGUMENT] > 0.9 * codes.total()
