"""Innovation over real gRPC: tokens, the city's own founding rules, repeated requests, and whatever a client may get wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from city.innovation.v1 import idea_service_pb2 as ideas
from city.innovation.v1.idea_service_pb2_grpc import IdeaServiceStub
from city.policy.v1.policies_pb2 import PolicyActivated
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.descriptor import MethodDescriptor
from stratapolis.chassis.identity import Caller
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.policies import Policies
from stratapolis.chassis.rpc.client import refusal
from stratapolis.chassis.rpc.gate import Gate
from stratapolis.chassis.rpc.server import Server
from stratapolis.chassis.tokens import Claims, FixedKeys, Verifier, mint

from e2e_tests import shapes
from services.innovation.tests.builders import ADA, BEN, MIA, OLGA, Layer

KEY = Ed25519PrivateKey.generate()
FOUNDING = Path(__file__).parents[4] / "services/policy/src/stratapolis/policy/founding.cedar"
THING = Caller(subject="thing-1", kind="thing", creator="creator-lantern")
EXPECTED = {"OK", "NOT_FOUND", "INVALID_ARGUMENT", "FAILED_PRECONDITION", "PERMISSION_DENIED"}
"""How a call may end that keeps the contract's rules and names nothing that is there."""


class NothingRevoked:
    """A feed of revocations that says of nobody anything."""

    def refused(self, subject: str, jti: str, issued_at: datetime) -> bool:
        return False

    def silent_for(self) -> timedelta:
        return timedelta()


class Face:
    """The layer's gRPC face."""

    def __init__(self, port: int) -> None:
        self._port = port

    @asynccontextmanager
    async def channel(self) -> AsyncIterator[Any]:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{self._port}") as channel:
            yield channel

    async def submit(self, caller: Caller | None, request_id: str = "", title: str = "Lamps that see") -> Any:
        request = ideas.SubmitIdeaRequest(request_id=request_id or new_id(), title=title, description="Bright where somebody walks.")
        async with self.channel() as channel:
            return await IdeaServiceStub(channel).SubmitIdea(request, metadata=a_token(caller), timeout=5)


def a_token(caller: Caller | None) -> tuple[tuple[str, str], ...]:
    """What a caller sends along; None: nothing."""
    if caller is None:
        return ()
    now = datetime.now(UTC)
    claims = Claims(caller=caller, audience="innovation", jti=new_id(), issued_at=now, expires_at=now + timedelta(minutes=15))
    return (("authorization", f"Bearer {mint(claims, KEY, 'k1')}"),)


@pytest.fixture
async def face(layer: Layer) -> AsyncIterator[Face]:
    verifier = Verifier(FixedKeys({"k1": KEY.public_key()}), "innovation", NothingRevoked())
    active = PolicyActivated(name="city", version=1, cedar=FOUNDING.read_text())
    gate = Gate("innovation", verifier, Policies(lambda: active))
    async with Server("innovation", layer.under.app.answers, db=layer.db, gate=gate, port=0) as server:
        yield Face(server.port)


async def reason(call: Any) -> str:
    """Why a call is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return refusal(refused.value).reason


def own_request_id(rpc: MethodDescriptor, case: shapes.Case) -> bytes:
    """What makes a write another than the one before; the last value of a field counts."""
    if "request_id" not in rpc.input_type.fields_by_name or case.name.startswith("request_id"):
        return b""
    return b"\x0a\x24" + new_id().encode()


async def test_residents_have_ideas_and_things_and_nobody_have_none(face: Face) -> None:
    assert (await face.submit(ADA)).idea.mine
    assert (await reason(face.submit(None)), await reason(face.submit(THING))) == ("NO_TOKEN", "DENIED_BY_POLICY")


async def test_g8_a_repeated_request_is_one_idea(face: Face, layer: Layer) -> None:
    request_id = new_id()
    assert await face.submit(ADA, request_id) == await face.submit(ADA, request_id)
    assert await reason(face.submit(ADA, request_id, "Lamps that sleep")) == "REQUEST_ID_REUSED"
    await face.submit(BEN, request_id)
    assert await layer.value("select count(*) from idea") == 2


@pytest.mark.parametrize("caller", [OLGA, MIA], ids=["officer", "member"])
async def test_g12_whatever_is_wrong_with_a_field_is_the_clients_error_and_its_neighbours_are_answered(face: Face, caller: Caller) -> None:
    wrong, tried = [], 0
    async with face.channel() as channel:
        for rpc in (rpc for rpc in shapes.rpcs() if rpc.full_name.startswith("city.innovation.v1.") and not rpc.server_streaming):
            for case in shapes.cases(rpc.input_type):
                call = channel.unary_unary(f"/{rpc.containing_service.full_name}/{rpc.name}")
                try:
                    await call(case.payload + own_request_id(rpc, case), timeout=5, metadata=a_token(caller))
                    code, why = "OK", ""
                except grpc.aio.AioRpcError as error:
                    code, why = error.code().name, refusal(error).reason
                tried += 1
                if code not in EXPECTED or (bool(case.breaks) and code != "INVALID_ARGUMENT") or (not case.breaks and why == "INVALID_REQUEST"):
                    wrong.append((rpc.name, case.name, code, why))
    assert wrong == []
    assert tried > 300
