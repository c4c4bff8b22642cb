"""How a city's processes are: from their own health and metrics, and from Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from prometheus_client.parser import text_string_to_metric_families
from stratapolis.cli.local.endpoints import Endpoints

UNKNOWN = "?"
SECONDS = 5.0
STORES = ("kafka", "postgres")


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One process as it is now; what cannot be known is `?`, what does not apply is empty."""

    name: str
    state: str
    pid: int
    grpc: str = ""
    http: str = ""
    dead_letters: str = ""
    lag: str = ""
    outbox: str = ""
    stale_holds: str = ""
    hop: str = ""
    """Mean time from another layer's transaction to the commit of its effect in this one."""

    @property
    def is_ready(self) -> bool:
        return self.state.partition(",")[0] == "ready"

    def data(self) -> dict[str, Any]:
        """For programs."""
        return {
            "name": self.name,
            "state": self.state,
            "pid": self.pid or None,
            "grpc": self.grpc,
            "http": self.http,
            "deadLetters": _number(self.dead_letters),
            "lag": _number(self.lag),
            "outboxAgeSeconds": _number(self.outbox.removesuffix(" s")),
            "staleHolds": _number(self.stale_holds),
            "hopMilliseconds": _number(self.hop.removesuffix(" ms")),
        }


async def conditions(at: Endpoints, running: Mapping[str, int]) -> list[Condition]:
    """Every process that is running or should be."""
    stores = [Condition(name=name, state="ready", pid=running[name]) for name in STORES if name in running]
    lags = await _lags(at)
    asked = [(layer, replica) for layer, addresses in at.grpc.items() for replica in range(len(addresses))]
    async with httpx.AsyncClient(timeout=SECONDS, trust_env=False) as client:
        found = await asyncio.gather(*(_layer(client, at, layer, replica, running, lags) for layer, replica in asked))
    return [*stores, *found]


async def _layer(client: httpx.AsyncClient, at: Endpoints, layer: str, replica: int, running: Mapping[str, int], lags: Mapping[str, int]) -> Condition:
    name = f"{layer}-{replica + 1}" if replica else layer
    http = at.http[layer][replica]
    state, metrics = "away", dict[str, float]()
    try:
        ready = await client.get(f"http://{http}/health/ready")
        checks = ready.json().get("checks", {})
        lacking = [check for check, holds in checks.items() if not holds]
        state = "ready" if ready.status_code == httpx.codes.OK else f"not ready: {', '.join(lacking) or 'starting'}"
        stuck, paused = await _alive(client, http)
        state = f"stuck: {', '.join(stuck)}" if stuck else state
        state = f"{state}, paused: {', '.join(paused)}" if paused else state
        metrics = _metrics((await client.get(f"http://{http}/metrics")).text)
    except (httpx.HTTPError, ValueError):
        pass
    return Condition(
        name=name,
        state=state,
        pid=running.get(name, 0),
        grpc=at.grpc[layer][replica],
        http=http,
        dead_letters=_shown(metrics.get("city_dead_letters_open")),
        lag=_shown(lags.get(layer)),
        stale_holds=_shown(metrics.get("city_holds_stale", 0.0) if metrics else None),
        hop=_mean(metrics, "city_hop_seconds"),
        outbox=f"{metrics['city_outbox_age_seconds']:.1f} s" if "city_outbox_age_seconds" in metrics else UNKNOWN,
    )


async def _alive(client: httpx.AsyncClient, http: str) -> tuple[list[str], list[str]]:
    """What of a process does not turn any more, and the topics that it has paused."""
    said = (await client.get(f"http://{http}/health/live")).json()
    return list(said.get("stuck", [])), list(said.get("paused", []))


def _mean(metrics: Mapping[str, float], name: str) -> str:
    count = metrics.get(f"{name}_count", 0.0)
    return f"{1_000 * metrics[f'{name}_sum'] / count:.1f} ms" if count else UNKNOWN


def _metrics(text: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0.0) + sample.value
    return found


async def _lags(at: Endpoints) -> dict[str, int]:
    """Events that each layer has not told Kafka yet that it applied; its own positions may be further."""
    admin, consumer = AIOKafkaAdminClient(bootstrap_servers=at.kafka), AIOKafkaConsumer(bootstrap_servers=at.kafka)
    try:
        async with asyncio.timeout(SECONDS):
            await admin.start()
            await consumer.start()
            return {layer: await _lag(admin, consumer, layer) for layer in at.layers}
    except (KafkaError, OSError, TimeoutError):
        return {}
    finally:
        await consumer.stop()
        await admin.close()


async def _lag(admin: AIOKafkaAdminClient, consumer: AIOKafkaConsumer, layer: str) -> int:
    committed: dict[TopicPartition, int] = {}
    for group in (f"city-{layer}", f"city-{layer}-raw"):
        committed |= {part: entry.offset for part, entry in (await admin.list_consumer_group_offsets(group)).items() if entry.offset >= 0}
    ends = await consumer.end_offsets(list(committed)) if committed else {}
    return sum(max(ends[part] - offset, 0) for part, offset in committed.items())


def _shown(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:g}"


def _number(text: str) -> float | None:
    return float(text) if text not in {"", UNKNOWN} else None
