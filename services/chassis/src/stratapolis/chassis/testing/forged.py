"""Page tokens that no list gave."""

from __future__ import annotations

import base64
from typing import Any

import orjson
from google.protobuf.message import Message
from stratapolis.chassis.paging import digest


def forged_token(request: Message, values: list[Any]) -> str:
    """A token with the right mark for the request's list and filter, which is no secret, and whatever sort values one likes."""
    return base64.urlsafe_b64encode(digest(request) + orjson.dumps(values)).decode()
