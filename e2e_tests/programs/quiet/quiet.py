"""The smallest service that can be deployed: it answers every GET with 200, and that is all."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Quiet(BaseHTTPRequestHandler):
    """Healthy, and silent about it."""

    def do_GET(self) -> None:
        """Whatever is asked."""
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing worth a line happens here."""


ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Quiet).serve_forever()
