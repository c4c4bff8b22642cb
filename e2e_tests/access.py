"""Calls to every RPC that every process answers, with whatever token one likes: what the matrix of access is made of."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import grpc
import jwt
from city.options.v1 import options_pb2 as options
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc  # type: ignore[import-untyped]
from stratapolis.chassis.rpc.client import refusal
from stratapolis.chassis.tokens import ALGORITHM, TYPE
from stratapolis.cli.local.city import City

from e2e_tests import shapes

AT_ONCE = 16
FIRST_ITEM_SECONDS = 1.0
"""A stream that says nothing for so long has let its caller in."""


@dataclass(frozen=True, slots=True)
class Target:
    """One RPC as one layer answers it: shared services are answered by several."""

    layer: str
    rpc: MethodDescriptor
    smallest: Message = field(compare=False, repr=False)
    """The smallest request that keeps the contract's rules; made beforehand, since making one takes a while."""

    @property
    def access(self) -> Any:
        """What the contract says of who may call it."""
        return self.rpc.GetOptions().Extensions[options.access]

    def __str__(self) -> str:
        return f"{self.layer}: {self.rpc.full_name}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended: OK with the answer's bytes (a stream's first item), or refused with code, reason and text."""

    code: str
    reason: str = ""
    text: str = ""
    details: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def without(self, word: str) -> Outcome:
        """The same, as it would be said of any id."""
        details = tuple((name, value.replace(word, "ID")) for name, value in self.details)
        return Outcome(self.code, self.reason, self.text.replace(word, "ID"), details, self.body.replace(word.encode(), b"ID"))


@dataclass(slots=True)
class Wire:
    """Bare channels to the processes of a city: no token, no retry, no deadline but what a test gives."""

    city: City
    _channels: dict[str, Any] = field(default_factory=dict)
    _limit: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def close(self) -> None:
        """Close all channels."""
        for channel in self._channels.values():
            await channel.close()

    def channel(self, layer: str) -> Any:
        """A layer's, opened at its first use."""
        address = self.city.at.grpc[layer][0]
        return self._channels.setdefault(address, grpc.aio.insecure_channel(address))

    async def services(self, layer: str) -> set[str]:
        """What a process answers, as its reflection says."""
        asked = reflection_pb2.ServerReflectionRequest(list_services="")
        call = reflection_pb2_grpc.ServerReflectionStub(self.channel(layer)).ServerReflectionInfo(iter([asked]), timeout=5)
        return {service.name async for answer in call for service in answer.list_services_response.service}

    async def targets(self) -> list[Target]:
        """Every RPC of the contract, once for each layer that answers it."""
        answered = {layer: await self.services(layer) for layer in self.city.at.layers}
        smallest = {rpc: shapes.valid(rpc.input_type) for rpc in shapes.rpcs()}
        return [Target(layer, rpc, one) for rpc, one in smallest.items() for layer, found in answered.items() if rpc.containing_service.full_name in found]

    async def call(self, target: Target, request: Message | None = None, token: str | None = None, *, for_user: str = "") -> Outcome:
        """The outcome of a call, without a request of the smallest one; `for_user` is the token of whom it is made on behalf of."""
        payload = (request or target.smallest).SerializeToString()
        metadata = [("authorization", f"Bearer {token}")] if token else []
        metadata += [("x-on-behalf-of", for_user)] if for_user else []
        path = f"/{target.rpc.containing_service.full_name}/{target.rpc.name}"
        async with self._limit:
            try:
                if target.rpc.server_streaming:
                    return Outcome("OK", body=await _first_item(self.channel(target.layer).unary_stream(path), payload, metadata))
                return Outcome("OK", body=await self.channel(target.layer).unary_unary(path)(payload, timeout=10, metadata=metadata))
            except grpc.aio.AioRpcError as error:
                refused = refusal(error)
                return Outcome(error.code().name, refused.reason, refused.message, tuple(sorted(refused.details.items())))

    def stream(self, layer: str, request: Message, token: str) -> Any:
        """A stream of a layer's own, open until its end; its RPC is the one that takes such a request."""
        (rpc,) = (rpc for rpc in shapes.rpcs() if rpc.server_streaming and rpc.input_type.full_name == request.DESCRIPTOR.full_name)
        path = f"/{rpc.containing_service.full_name}/{rpc.name}"
        return self.channel(layer).unary_stream(path)(request.SerializeToString(), metadata=[("authorization", f"Bearer {token}")])

    async def matrix(self, targets: Sequence[Target], tokens: Mapping[str, str]) -> dict[Target, Outcome]:
        """The outcomes of calls to all targets, with the token for each one's layer."""
        outcomes = await asyncio.gather(*(self.call(target, token=tokens.get(target.layer)) for target in targets))
        return dict(zip(targets, outcomes, strict=True))


async def _first_item(stream: Any, payload: bytes, metadata: list[tuple[str, str]]) -> bytes:
    call = stream(payload, timeout=10, metadata=metadata)
    try:
        async with asyncio.timeout(FIRST_ITEM_SECONDS):
            async for item in call:
                return bytes(item)
    except TimeoutError:
        pass
    finally:
        call.cancel()
    return b""


def claims_of(token: str) -> dict[str, Any]:
    """What a token says; read, not checked."""
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def lets_in(access: Any, claims: Mapping[str, Any]) -> bool:
    """Whether the contract lets such a caller in, told anew from the comments of `options.proto`."""
    fits = {
        options.CALLER_PUBLIC: True,
        options.CALLER_AUTHENTICATED: True,
        options.CALLER_ROLE: bool(set(access.roles) & set(claims["roles"])),
        options.CALLER_OWNER: claims["kind"] == "person" or bool(claims["creator"]),
        options.CALLER_LAYER: claims["kind"] == "layer",
    }
    return any(fits[way] for way in access.allow)


@dataclass(frozen=True, slots=True)
class Signer:
    """The city's own signing key, which stands in connectivity's database and nowhere else: a test that has it can change one claim
    of a real token and nothing else."""

    kid: str
    private_pem: str

    @classmethod
    async def of(cls, city: City) -> Signer:
        """The key that signs now."""
        connection = await asyncpg.connect(city.stores.postgres.dsn("connectivity"))
        try:
            row = await connection.fetchrow("select kid, private_pem from signing_key where signs_from <= now() order by signs_from desc limit 1")
            return cls(row["kid"], row["private_pem"])
        finally:
            await connection.close()

    def again(self, token: str, **changed: Any) -> str:
        """The token as the city would have given it with these claims."""
        return jwt.encode(claims_of(token) | changed, self.private_pem, algorithm=ALGORITHM, headers={"kid": self.kid, "typ": TYPE})

    def expired(self, token: str) -> str:
        """The token a quarter of an hour later."""
        now = int(time.time())
        return self.again(token, iat=now - 1_000, exp=now - 100)
