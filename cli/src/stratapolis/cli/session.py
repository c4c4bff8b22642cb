"""A command's way into a running city."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from google.protobuf.message import Message
from stratapolis.cli.client import Client
from stratapolis.cli.local import endpoints
from stratapolis.cli.people import People

Item = TypeVar("Item")
PAGE = 500


@asynccontextmanager
async def session(folder: Path, name: str | None = None) -> AsyncIterator[Client]:
    """The city in a folder, called as one of its people."""
    at = endpoints.read(folder)
    async with Client(at, People(folder).get(name)) as client:
        yield client


async def pages(call: Callable[[Any], Awaitable[Any]], request: Message, field: str, limit: int) -> list[Any]:
    """Items of a paged list, so many at most."""
    found: list[Any] = []
    while len(found) < limit:
        request.page_size = min(PAGE, limit - len(found))  # type: ignore[attr-defined]
        page = await call(request)
        found += getattr(page, field)
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token  # type: ignore[attr-defined]
    return found
