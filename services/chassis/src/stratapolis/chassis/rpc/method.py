"""What the contract says of an RPC, and that the servicer keeps to it."""

from __future__ import annotations

import re
import typing
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from city.options.v1 import options_pb2 as options
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from stratapolis.chassis.app import Answers


class WrongServicer(Exception):
    """A servicer does not fit its contract; found at start, never by a caller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One RPC: `name` as in the contract, `full_name` with its service, `work` the servicer's own method."""

    name: str
    full_name: str
    request: type[Message]
    response: type[Message]
    allow: frozenset[int]
    roles: frozenset[str]
    unpoliced: bool
    reads: bool
    streams: bool
    idempotent: bool
    work: Callable[..., Any]
    leaves_account: bool = False


def methods(answers: Answers) -> list[Method]:
    """The RPCs of a service with what answers them; raises WrongServicer, naming every fault."""
    made, faults = [], []
    for descriptor in answers.service.methods:
        try:
            made.append(_method(descriptor, answers.servicer))
        except WrongServicer as fault:
            faults.append(str(fault))
    if faults:
        raise WrongServicer("; ".join(faults))
    return made


def _method(descriptor: MethodDescriptor, servicer: object) -> Method:
    given: MethodOptions = descriptor.GetOptions()
    if not given.HasExtension(options.access) or not given.Extensions[options.access].allow:
        raise WrongServicer(f"{descriptor.full_name} has no access option")
    if descriptor.client_streaming:
        raise WrongServicer(f"{descriptor.full_name} streams from the client, which no app answers")
    access = given.Extensions[options.access]
    reads = given.idempotency_level == MethodOptions.NO_SIDE_EFFECTS
    work = getattr(servicer, snake(descriptor.name), None)
    if not callable(work):
        raise WrongServicer(f"{type(servicer).__name__} has no method {snake(descriptor.name)}")
    _check_types(descriptor, work)
    request_id = descriptor.input_type.fields_by_name.get("request_id")
    return Method(
        name=descriptor.name,
        full_name=descriptor.full_name,
        request=GetMessageClass(descriptor.input_type),
        response=GetMessageClass(descriptor.output_type),
        allow=frozenset(access.allow),
        roles=frozenset(access.roles),
        unpoliced=access.unpoliced,
        reads=reads or descriptor.server_streaming,
        streams=descriptor.server_streaming,
        idempotent=not reads and request_id is not None and request_id.type == FieldDescriptor.TYPE_STRING,
        work=work,
        leaves_account=getattr(work, "leaves_account", False),
    )


def _check_types(descriptor: MethodDescriptor, work: Callable[..., Any]) -> None:
    hints = _hints(work)
    asked, returned = hints.get("request"), hints.get("return")
    if descriptor.server_streaming and typing.get_origin(returned) is AsyncIterator:
        (returned,) = typing.get_args(returned)
    for found, wanted in ((asked, descriptor.input_type), (returned, descriptor.output_type)):
        if not _is(found, wanted):
            shown = f"AsyncIterator[{wanted.name}]" if descriptor.server_streaming and wanted is descriptor.output_type else wanted.name
            raise WrongServicer(f"{getattr(work, '__qualname__', work)}: where the contract says {shown} it says {found}")


def _is(found: Any, wanted: Descriptor) -> bool:
    return getattr(getattr(found, "DESCRIPTOR", None), "full_name", None) == wanted.full_name


def _hints(work: Callable[..., Any]) -> dict[str, Any]:
    """The types of request and answer alone: what else the method names may be imported for type checkers only."""
    function: Any = getattr(work, "__func__", work)
    if not isinstance(function, FunctionType):
        return {}
    written = {name: function.__annotations__[name] for name in ("request", "return") if name in function.__annotations__}
    try:
        return typing.get_type_hints(type("_Written", (), {"__annotations__": written}), globalns=function.__globals__)
    except NameError as error:
        raise WrongServicer(f"{function.__qualname__}: {error}; import the messages for real") from error


def snake(name: str) -> str:
    """The servicer's method for an RPC: `ListHolds` is `list_holds`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
