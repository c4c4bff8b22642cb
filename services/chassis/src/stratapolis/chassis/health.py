"""Health and metrics over HTTP: `/health/live` tells a stuck process from a live one, `/health/ready` whether it may be called."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from stratapolis.chassis.http_face import Open

STUCK_SECONDS = 60.0


class Beating(Protocol):
    """A loop that says when it last turned, by `time.monotonic`."""

    beat: float


@dataclass(slots=True)
class Health:
    """What a process knows of itself. `checks` are named conditions of readiness; what is `paused` waits for a fix of the code, and is not stuck."""

    app: str
    checks: Mapping[str, Callable[[], bool]] = field(default_factory=dict)
    loops: Sequence[Beating] = ()
    paused: Callable[[], list[str]] = list
    serving: bool = False

    def ready(self) -> dict[str, bool]:
        """Each condition and whether it holds."""
        return {**{name: check() for name, check in self.checks.items()}, "serving": self.serving}

    def routes(self) -> list[Open]:
        """The HTTP face of it; open, since probes and scrapers have no token and nothing of an owner's is in it."""
        faces = {"/health/live": self._live, "/health/ready": self._ready, "/metrics": self._metrics}
        return [Open(path=path, work=work) for path, work in faces.items()]

    async def _live(self, _: Request) -> Response:
        stuck = [type(loop).__name__ for loop in self.loops if time.monotonic() - loop.beat > STUCK_SECONDS]
        return JSONResponse({"app": self.app, "stuck": stuck, "paused": self.paused()}, 503 if stuck else 200)

    async def _ready(self, _: Request) -> Response:
        found = self.ready()
        return JSONResponse({"app": self.app, "checks": found, "paused": self.paused()}, 200 if all(found.values()) else 503)

    async def _metrics(self, _: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
