"""The promises of docs/architecture.md, by their ids, on a whole city that is hurt on purpose."""

from __future__ import annotations

from collections import Counter
from typing import Any

import grpc
import pytest

from e2e_tests import shapes
from e2e_tests.conftest import Town

KILLED = ("governance", "policy", "data", "connectivity", "infrastructure", "value_catalog")


async def test_g11_no_rpc_lets_anybody_in_without_a_token(town: Town) -> None:
    refused = Counter[str]()
    for rpc in shapes.rpcs():
        answer = await _call(town, rpc.full_name, shapes.valid(rpc.input_type).SerializeToString())
        if answer is not None:
            refused[answer.name] += 1
            assert answer is grpc.StatusCode.UNAUTHENTICATED, rpc.full_name
    assert refused["UNAUTHENTICATED"] >= 90


@pytest.mark.timeout(240)
async def test_g12_every_wrong_field_of_every_rpc_is_the_clients_error(town: Town) -> None:
    client = town.city.client()
    tokens = {layer: await client.token(layer) for layer in KILLED}
    wrong = []
    for rpc in shapes.rpcs():
        for case in shapes.cases(rpc.input_type):
            if case.breaks:
                code = await _call(town, rpc.full_name, case.payload, tokens)
                if code not in (grpc.StatusCode.INVALID_ARGUMENT, None if rpc.server_streaming else grpc.StatusCode.INVALID_ARGUMENT):
                    wrong.append((rpc.full_name, case.name, code))
    assert wrong == []


async def _call(town: Town, full_name: str, payload: bytes, tokens: dict[str, str] | None = None) -> grpc.StatusCode | None:
    """The status of a call by the RPC's full name, sent as bytes; None when it was answered. Shared services are asked of governance."""
    service, _, method = full_name.rpartition(".")
    layer = service.split(".")[1]
    layer = layer if layer in KILLED else "policy"
    metadata = (("authorization", f"Bearer {tokens[layer]}"),) if tokens else ()
    channel: Any = _CHANNELS.setdefault(town.city.at.grpc[layer][0], grpc.aio.insecure_channel(town.city.at.grpc[layer][0]))
    try:
        if "Watch" in method or "Stream" in method:
            async for _ in channel.unary_stream(f"/{service}/{method}")(payload, timeout=5, metadata=metadata):
                break
        else:
            await channel.unary_unary(f"/{service}/{method}")(payload, timeout=5, metadata=metadata)
    except grpc.aio.AioRpcError as error:
        return error.code()
    return None


_CHANNELS: dict[str, grpc.aio.Channel] = {}
