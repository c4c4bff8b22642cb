"""The one place where a refusal becomes a gRPC status with google.rpc.ErrorInfo, or an HTTP answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import asyncpg
import grpc
from google.protobuf.any_pb2 import Any as Packed
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from stratapolis.chassis.db import TRANSIENT
from stratapolis.chassis.errors import Kind, Refused, Transient
from stratapolis.chassis.rpc.refusals import Busy, DatabaseAway, InvalidRequest, PeerAway

DETAILS_KEY = "grpc-status-details-bin"
LONGEST_TEXT = 500
LONGEST_DETAILS = 4_000
"""A status travels in trailers, of which clients take 8 KiB by default: what is longer would hide the refusal itself."""

CODES = {
    Kind.INVALID: (grpc.StatusCode.INVALID_ARGUMENT, 400),
    Kind.UNAUTHENTICATED: (grpc.StatusCode.UNAUTHENTICATED, 401),
    Kind.DENIED: (grpc.StatusCode.PERMISSION_DENIED, 403),
    Kind.NOT_FOUND: (grpc.StatusCode.NOT_FOUND, 404),
    Kind.EXISTS: (grpc.StatusCode.ALREADY_EXISTS, 409),
    Kind.PRECONDITION: (grpc.StatusCode.FAILED_PRECONDITION, 409),
    Kind.EXHAUSTED: (grpc.StatusCode.RESOURCE_EXHAUSTED, 429),
    Kind.UNAVAILABLE: (grpc.StatusCode.UNAVAILABLE, 503),
}
_CONTENDED = (asyncpg.TransactionRollbackError, asyncpg.LockNotAvailableError)
AGAIN = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
"""The database undid the transaction for another's sake: run again at once."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a call that failed is answered."""

    code: grpc.StatusCode
    message: str
    details: bytes


def refused_by(error: BaseException) -> Refused | None:
    """The refusal an exception stands for; None: a fault of the app."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, _CONTENDED):
        return Busy("others change the same at once: send it again")
    if isinstance(error, TRANSIENT) and not isinstance(error, ValueError):  # asyncpg's DataError is an InterfaceError too: a fault of ours
        return DatabaseAway("the database does not answer in time: send it again")
    if isinstance(error, Transient):
        return PeerAway("something that is needed does not answer now: send it again")
    return None


def answer(refused: Refused | None, app: str) -> Answer:
    """The status of a refusal; of None: INTERNAL, which says nothing of the fault."""
    if refused is None:
        return _answer(grpc.StatusCode.INTERNAL, "a fault of the app; it was logged", ErrorInfo(reason="INTERNAL", domain=f"city.{app}"), None)
    message = _cut(refused.message)
    info = ErrorInfo(reason=refused.reason, domain=f"city.{app}", metadata={key: _cut(str(value)) for key, value in refused.details.items()})
    return _answer(CODES[refused.kind][0], message, info, _fields(refused))


def _answer(code: grpc.StatusCode, message: str, info: ErrorInfo, fields: BadRequest | None) -> Answer:
    status = Status(code=code.value[0], message=message, details=[_packed(info)])
    if fields is not None:
        room = LONGEST_DETAILS - status.ByteSize()
        while fields.field_violations and fields.ByteSize() > room:
            fields.field_violations.pop()
        status.details.append(_packed(fields))
    elif status.ByteSize() > LONGEST_DETAILS:
        info.metadata.clear()
        status.details[0].CopyFrom(_packed(info))
    return Answer(code, message, status.SerializeToString())


def _fields(refused: Refused) -> BadRequest | None:
    if isinstance(refused, InvalidRequest):
        faults = [(fault.path, fault.message) for fault in refused.broken]
    elif refused.kind is Kind.INVALID and "field" in refused.details:
        faults = [(refused.details["field"], refused.message)]
    else:
        return None
    return BadRequest(field_violations=[BadRequest.FieldViolation(field=_cut(path), description=_cut(text)) for path, text in faults])


def _packed(message: Any) -> Packed:
    packed = Packed()
    packed.Pack(message)
    return packed


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


def http(error: Exception) -> tuple[int, dict[str, Any]]:
    """Status and JSON body for an HTTP route: `{reason, message, details}`."""
    refused = refused_by(error)
    if refused is None:
        return 500, {"reason": "INTERNAL", "message": "a fault of the app; it was logged", "details": {}}
    details = dict(refused.details)
    if isinstance(refused, InvalidRequest):
        details |= {fault.path: fault.message for fault in refused.broken}
    return CODES[refused.kind][1], {"reason": refused.reason, "message": refused.message, "details": details}
