"""A client that calls a service without a pause, as people's programs do: the endpoint is the catalogue's, remembered for a moment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
from city.value_catalog.v1.catalog_service_pb2 import GetServiceRequest
from city.value_catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from stratapolis.cli.local.city import City, until

REMEMBERED_SECONDS = 1.0
"""How long a client goes on with an endpoint before it asks the catalogue again; a replaced version serves longer than that."""
PAUSE_SECONDS = 0.02


@dataclass(slots=True)
class Calls:
    """What a client got, and from where."""

    service_id: str
    answered: int = 0
    failed: list[str] = field(default_factory=list)
    endpoints: list[str] = field(default_factory=list)

    async def until_answered(self, more: int = 20) -> None:
        """Until it has been answered so many times more."""
        wanted = self.answered + more

        async def there() -> bool:
            return self.answered >= wanted

        await until(there, f"{more} more calls", within=30)

    async def until_moved(self) -> None:
        """Until it has called at a second endpoint."""

        async def there() -> bool:
            return len(self.endpoints) > 1

        await until(there, "the client to follow the catalogue to another endpoint", within=30)


@asynccontextmanager
async def calling(city: City, service_id: str) -> AsyncIterator[Calls]:
    """Call an air-quality alert all the time, until the block ends."""
    calls, stopping = Calls(service_id), asyncio.Event()
    catalog = city.stub(CatalogServiceStub, "value_catalog")

    async def call() -> None:
        day, looked_at, endpoint = datetime.now(UTC).date().isoformat(), 0.0, ""
        async with httpx.AsyncClient(timeout=10) as http:
            while not stopping.is_set():
                if time.monotonic() - looked_at > REMEMBERED_SECONDS:
                    endpoint, looked_at = (await catalog.GetService(GetServiceRequest(service_id=service_id))).entry.endpoint, time.monotonic()
                    calls.endpoints += [endpoint] if endpoint not in calls.endpoints else []
                try:
                    answer = await http.get(f"{endpoint}/air", params={"day": day})
                    calls.failed += [f"{answer.status_code} {answer.text}"] if answer.status_code != httpx.codes.OK else []
                except httpx.HTTPError as error:
                    calls.failed.append(repr(error))
                calls.answered += 1
                await asyncio.sleep(PAUSE_SECONDS)

    task = asyncio.create_task(call())
    try:
        yield calls
    finally:
        stopping.set()
        await asyncio.wait_for(task, 20)
