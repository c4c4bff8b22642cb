"""A collector of OpenTelemetry's spans in this process: takes them over HTTP as any collector does, and keeps them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse


@dataclass(frozen=True, slots=True)
class Span:
    """What a process says it did."""

    app: str
    name: str
    trace: str
    span: str
    parent: str
    attributes: dict[str, str]


@dataclass(slots=True)
class Collected:
    """All spans so far, and where they are taken."""

    port: int
    spans: list[Span] = field(default_factory=list)

    def of(self, trace: str) -> list[Span]:
        """The spans of a trace."""
        return [one for one in list(self.spans) if one.trace == trace]

    def named(self, app: str, name: str) -> list[Span]:
        """Spans of an app by their name."""
        return [one for one in list(self.spans) if (one.app, one.name) == (app, name)]


def edges(spans: list[Span]) -> set[tuple[str, str]]:
    """Which app did something because of which other."""
    app_of = {one.span: one.app for one in spans}
    return {(app_of[one.parent], one.app) for one in spans if app_of.get(one.parent, one.app) != one.app}


@contextmanager
def collecting() -> Iterator[Collected]:
    """A collector on a free port."""
    collected = Collected(0)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked = ExportTraceServiceRequest.FromString(_plain(body, self.headers.get("Content-Encoding", "")))
            collected.spans += _spans(asked)
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collected.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collected
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _plain(body: bytes, encoding: str) -> bytes:
    if encoding == "gzip":
        import gzip  # noqa: PLC0415 - where it is asked for

        return gzip.decompress(body)
    return body


def _spans(asked: ExportTraceServiceRequest) -> Iterator[Span]:
    for resource in asked.resource_spans:
        (app,) = (one.value.string_value for one in resource.resource.attributes if one.key == "service.name")
        for scope in resource.scope_spans:
            for span in scope.spans:
                attributes = {one.key: one.value.string_value for one in span.attributes}
                yield Span(app.removeprefix("city-"), span.name, span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(), attributes)
