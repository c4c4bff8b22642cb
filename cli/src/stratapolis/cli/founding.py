"""How a city begins: the founding officer, the founding policy, the default pool."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import grpc
import psutil
from city.connectivity.v1.founding_service_pb2 import FoundCityRequest
from city.connectivity.v1.founding_service_pb2_grpc import FoundingServiceStub
from city.infrastructure.v1.pool_pb2 import Amount
from city.infrastructure.v1.pool_service_pb2 import RegisterPoolRequest
from city.infrastructure.v1.pool_service_pb2_grpc import PoolServiceStub
from city.operations.v1.operations_service_pb2 import ListDeadLettersRequest
from city.operations.v1.operations_service_pb2_grpc import OperationsServiceStub
from city.policy.v1.policy_service_pb2 import FoundPolicyRequest
from city.policy.v1.policy_service_pb2_grpc import PolicyServiceStub
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.rpc.client import refusal
from stratapolis.cli.client import Client
from stratapolis.cli.local.endpoints import Endpoints
from stratapolis.cli.local.errors import LocalCityError
from stratapolis.cli.local.layers import FOUNDER
from stratapolis.cli.people import OFFICER, Identity, People, new_pem, public_pem, write_secret

POOL = "city"
Answer = TypeVar("Answer")
SETTLING = frozenset({"NO_POLICY", "FEED_SILENT", "UNAVAILABLE", "ISSUER_AWAY"})
"""Refusals that end by themselves while a city begins."""


async def found(folder: Path, at: Endpoints, keys: Path) -> Identity:
    """Found the city in this folder; once. An attempt that was broken off is taken up with the same request and key."""
    people = People(folder)
    if people.find(OFFICER) is not None:
        raise LocalCityError("this city is founded already")
    pem, requests = _attempt(folder)
    founder = Identity(name=FOUNDER, subject=FOUNDER, private_pem=(keys / f"{FOUNDER}.pem").read_text())
    async with Client(at, founder) as client:
        city = client.stub(FoundingServiceStub, "connectivity")
        request = FoundCityRequest(request_id=requests[0], display_name="Founding officer", public_key_pem=public_pem(pem))
        policy = client.stub(PolicyServiceStub, "policy")
        # The founder has tokens only until the city is founded: the policy comes first.
        await settled(lambda: policy.FoundPolicy(FoundPolicyRequest(request_id=requests[1])))
        subject = (await settled(lambda: city.FoundCity(request))).officer.subject
    officer = Identity(name=OFFICER, subject=subject, private_pem=pem)
    async with Client(at, officer) as client:
        await _in_force(client, at)
        if "infrastructure" in at.layers:
            pools = client.stub(PoolServiceStub, "infrastructure")
            await settled(lambda: pools.RegisterPool(RegisterPoolRequest(request_id=requests[2], name=POOL, capacity=_this_machine())))
    people.keep(officer)
    (folder / "founding.json").unlink()
    return officer


async def _in_force(client: Client, at: Endpoints) -> None:
    """Until every process follows the founding policy."""
    for layer, replicas in at.grpc.items():
        for replica in range(len(replicas)):
            operations = client.stub(OperationsServiceStub, layer, replica)
            await settled(lambda operations=operations: operations.ListDeadLetters(ListDeadLettersRequest(page_size=1)))  # type: ignore[misc]


async def settled(call: Callable[[], Awaitable[Answer]], *, seconds: float = 30.0) -> Answer:
    """The answer of a call, made again while it is refused for what ends by itself."""
    ends = time.monotonic() + seconds
    while True:
        try:
            return await call()
        except grpc.aio.AioRpcError as error:
            if refusal(error).reason not in SETTLING or time.monotonic() > ends:
                raise
        await asyncio.sleep(0.05)


def _attempt(folder: Path) -> tuple[str, list[str]]:
    """Key and request ids of the founding, kept until it is done."""
    kept = folder / "founding.json"
    if not kept.exists():
        write_secret(kept, json.dumps([new_pem(), [new_id() for _ in range(3)]]))
    pem, requests = json.loads(kept.read_text())
    return pem, requests


def _this_machine() -> Amount:
    return Amount(cpu_millis=1_000 * (os.cpu_count() or 1), memory_mib=psutil.virtual_memory().total >> 20)
