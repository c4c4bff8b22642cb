"""A servicer that does not fit its contract is found at start."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from city.governance.v1 import journey_service_pb2 as journeys
from city.journey.v1 import holds_service_pb2 as holds
from city.journey.v1.holds_service_pb2 import ListHoldsRequest, ListHoldsResponse
from city.operations.v1 import operations_service_pb2 as operations
from google.protobuf import descriptor_pb2, descriptor_pool
from stratapolis.chassis.app import Answers
from stratapolis.chassis.dead_letters import DeadLetters
from stratapolis.chassis.rpc import Call
from stratapolis.chassis.rpc.method import WrongServicer, methods, snake

HOLDS = holds.DESCRIPTOR.services_by_name["HoldsService"]
OPERATIONS = operations.DESCRIPTOR.services_by_name["OperationsService"]


class Right:
    async def list_holds(self, request: ListHoldsRequest, call: Call) -> ListHoldsResponse:
        return ListHoldsResponse()


class OtherRequest:
    async def list_holds(self, request: operations.GetDeadLetterRequest, call: Call) -> ListHoldsResponse:
        return ListHoldsResponse()


class OtherResponse:
    async def list_holds(self, request: ListHoldsRequest, call: Call) -> ListHoldsRequest:
        return request


class Unannotated:
    async def list_holds(self, request, call):  # type: ignore[no-untyped-def]
        return ListHoldsResponse()


class Streaming:
    async def list_holds(self, request: ListHoldsRequest, call: Call) -> AsyncIterator[ListHoldsResponse]:
        yield ListHoldsResponse()


def test_a_right_servicer_is_taken() -> None:
    (method,) = methods(Answers(HOLDS, Right()))
    assert (method.full_name, method.reads, method.streams, method.idempotent) == ("city.journey.v1.HoldsService.ListHolds", True, False, False)
    assert method.roles == {"officer", "operator"}


@pytest.mark.parametrize("servicer", [object(), OtherRequest(), OtherResponse(), Unannotated(), Streaming()], ids=lambda s: type(s).__name__)
def test_a_wrong_one_is_refused_by_name(servicer: object) -> None:
    with pytest.raises(WrongServicer, match="list_holds"):
        methods(Answers(HOLDS, servicer))


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(WrongServicer) as failed:
        methods(Answers(OPERATIONS, Right()))
    assert str(failed.value).count("has no method") == len(OPERATIONS.methods)


def test_the_chassis_own_servicer_fits_and_its_writes_are_idempotent() -> None:
    inbox: Any = None
    assert {m.name: m.idempotent for m in methods(Answers(OPERATIONS, DeadLetters(inbox)))} == {
        "ListDeadLetters": False,
        "GetDeadLetter": False,
        "RedriveDeadLetter": True,
        "DiscardDeadLetter": True,
    }


def test_an_rpc_without_access_is_refused() -> None:
    file = descriptor_pb2.FileDescriptorProto()
    holds.DESCRIPTOR.CopyToProto(file)
    file.service[0].method[0].options.Clear()
    pool = descriptor_pool.DescriptorPool()
    _copy_dependencies(holds.DESCRIPTOR, pool)
    pool.Add(file)
    with pytest.raises(WrongServicer, match="no access option"):
        methods(Answers(pool.FindServiceByName(HOLDS.full_name), Right()))


def _copy_dependencies(file: Any, pool: Any) -> None:
    for needed in file.dependencies:
        _copy_dependencies(needed, pool)
        made = descriptor_pb2.FileDescriptorProto()
        needed.CopyToProto(made)
        pool.Add(made)


def test_a_stream_says_so() -> None:
    class Watching:
        async def watch_journey(self, request: journeys.WatchJourneyRequest, call: Call) -> AsyncIterator[journeys.WatchJourneyResponse]:
            yield journeys.WatchJourneyResponse()

    class OnlyWatching:
        methods = tuple(m for m in journeys.DESCRIPTOR.services_by_name["JourneyService"].methods if m.server_streaming)

    service: Any = OnlyWatching
    (method,) = methods(Answers(service, Watching()))
    assert (method.streams, method.reads) == (True, True)


@pytest.mark.parametrize(("name", "expected"), [("ListHolds", "list_holds"), ("Authorize", "authorize"), ("BatchGetJourneys", "batch_get_journeys")])
def test_rpcs_are_methods_in_snake_case(name: str, expected: str) -> None:
    assert snake(name) == expected
