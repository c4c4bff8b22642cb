"""The HTTP face of an app, served by uvicorn inside the app's own loop (docs/adr/0003). Every route has an access value, or it is none."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from stratapolis.chassis.rpc import status
from stratapolis.chassis.rpc.gate import ON_BEHALF, Admitted, Gate


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """A route for everybody, as CALLER_PUBLIC is among RPCs."""

    path: str
    work: Callable[[Request], Awaitable[Response]]
    methods: tuple[str, ...] = ("GET",)

    def route(self, gate: Gate) -> Route:  # noqa: ARG002 - nobody is kept out
        """As Starlette has it."""
        return Route(self.path, self.work, methods=list(self.methods))


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """A route behind the app's gate, as an RPC is: `allow` and `roles` are those of the contract's access option, `name` is its action in policies.

    `work` gets who was let in; whose rows that may touch is the route's own business. What it refuses is answered, and counted where it denies.
    """

    path: str
    name: str
    allow: frozenset[int]
    work: Callable[[Request, Admitted], Awaitable[Response]]
    roles: frozenset[str] = field(default_factory=frozenset)
    methods: tuple[str, ...] = ("POST",)
    unpoliced: bool = False

    @property
    def full_name(self) -> str:
        """As it stands in the audit trail."""
        return f"{','.join(self.methods)} {self.path}"

    @property
    def reads(self) -> bool:
        """Whether nothing is changed by it."""
        return self.methods == ("GET",)

    def route(self, gate: Gate) -> Route:
        """As Starlette has it."""

        async def answer(request: Request) -> Response:
            metadata = {name: value for name in ("authorization", ON_BEHALF) if (value := request.headers.get(name)) is not None}
            try:
                admitted = await gate.admit(self, metadata)
                with gate.denials.noting(self.full_name, admitted.caller.subject):
                    return await self.work(request, admitted)
            except Exception as error:  # noqa: BLE001 - the one place where what a route refuses becomes an answer
                return refused(error)

        return Route(self.path, answer, methods=list(self.methods))


Serves = Open | Guarded


def refused(error: Exception) -> Response:
    """The answer to what went wrong; what nobody expected is raised, and logged by the server."""
    code, body = status.http(error)
    if code == 500:
        raise error
    return JSONResponse({"error": body}, code, headers={"www-authenticate": "Bearer"} if code == 401 else None)


class _Quiet(uvicorn.Server):
    """Signals are the app's own business."""

    def capture_signals(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override]
        return contextlib.nullcontext()


async def serve(routes: Sequence[Serves], gate: Gate, host: str, port: int, hush: asyncio.Event) -> None:
    """Serve until `hush`, then end what is in hand, bounded. A port that is taken ends the process."""
    config = uvicorn.Config(
        Starlette(routes=[one.route(gate) for one in routes]),
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=3,
        server_header=False,
    )
    server = _Quiet(config)
    serving, stop = asyncio.create_task(server.serve()), asyncio.create_task(hush.wait())
    await asyncio.wait({serving, stop}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    stop.cancel()
    await serving
