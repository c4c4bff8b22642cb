"""Kafka's own ids of topics: one that was deleted and made again under its name has another. aiokafka asks for none, so the request is ours."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import AbstractType, Boolean, CompactArray, CompactString, Int16, Int32, Schema, TaggedFields

NONE = "0" * 32


class _Uuid(AbstractType[str]):  # type: ignore[misc]
    """Sixteen bytes, here as hexadecimal digits."""

    @classmethod
    def encode(cls, value: str) -> bytes:
        return bytes.fromhex(value)

    @classmethod
    def decode(cls, data: BytesIO) -> str:
        return data.read(16).hex()


_TEXT, _NUMBERS = CompactString("utf-8"), CompactArray(Int32)
_PARTITION = Schema(
    ("error_code", Int16), ("partition", Int32), ("leader", Int32), ("leader_epoch", Int32), ("replicas", _NUMBERS), ("isr", _NUMBERS),
    ("offline_replicas", _NUMBERS), ("tags", TaggedFields),
)  # fmt: skip
_TOPIC = (
    ("error_code", Int16), ("name", _TEXT), ("id", _Uuid), ("is_internal", Boolean), ("partitions", CompactArray(_PARTITION)),
    ("authorized_operations", Int32), ("tags", TaggedFields),
)  # fmt: skip


class _Answer(Response):  # type: ignore[misc]
    """MetadataResponse, version 12."""

    API_KEY, API_VERSION = 3, 12
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", CompactArray(("node_id", Int32), ("host", _TEXT), ("port", Int32), ("rack", _TEXT), ("tags", TaggedFields))),
        ("cluster_id", _TEXT), ("controller_id", Int32), ("topics", CompactArray(*_TOPIC)), ("tags", TaggedFields),
    )  # fmt: skip


class _Question(RequestStruct):  # type: ignore[misc]
    """MetadataRequest, version 12."""

    FLEXIBLE_VERSION = True
    API_KEY, API_VERSION, RESPONSE_TYPE = 3, 12, _Answer
    SCHEMA = Schema(
        ("topics", CompactArray(("id", _Uuid), ("name", _TEXT), ("tags", TaggedFields))), ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean), ("tags", TaggedFields),
    )  # fmt: skip


class _Asking(Request[_Question]):  # type: ignore[misc]
    API_KEY = 3

    def __init__(self, names: Iterable[str]) -> None:
        self._names = sorted(names)

    def build(self, request_struct_class: type[_Question]) -> _Question:
        return request_struct_class([(NONE, name, {}) for name in self._names], False, False, {})  # noqa: FBT003 - a struct of the wire


async def topic_ids(bootstrap: str, names: Iterable[str]) -> dict[str, str]:
    """The id of each of these topics that there is; raises KafkaError while the broker is away."""
    client = AIOKafkaClient(bootstrap_servers=bootstrap, request_timeout_ms=5_000)
    try:
        await client.bootstrap()
        answer: Any = await client.send(client.get_random_node(), _Asking(names))
    except OSError as error:
        raise KafkaError(str(error)) from error
    finally:
        await client.close()
    return {topic[1]: topic[2] for topic in answer.topics if topic[0] == 0}
