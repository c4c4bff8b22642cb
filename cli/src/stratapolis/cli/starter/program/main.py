"""What runs when the service is live: GET / says hello, GET /health that it is ready. It needs nothing but Python.

The city starts it with PORT, where it answers, and with what it needs to act in the city: CITY_SERVICE_ID, CITY_SUBJECT, CITY_KEY_FILE,
CITY_TOKEN_URL, CITY_VALUE_CATALOG, CITY_DATA. The examples of Stratapolis show how a program gets tokens, reads data and records uses.
"""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ANSWERS = {"/": {"hello": "city", "service": os.environ["CITY_SERVICE_ID"]}, "/health": {"ready": True}}


class Answering(BaseHTTPRequestHandler):
    """Answers in JSON."""

    def do_GET(self) -> None:
        """Look the path up."""
        answer = ANSWERS.get(self.path.partition("?")[0])
        body = json.dumps(answer or {"error": "nothing is here; ask for /"}).encode()
        self.send_response(200 if answer else 404)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answering).serve_forever()
