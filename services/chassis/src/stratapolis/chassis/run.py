"""Runs an app: settings, database, migrations, followers, gRPC and HTTP faces, ear, relay, jobs; and stops it without losing anything."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import structlog
import uvloop
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from city.audit.v1.audit_pb2 import AccessDenied
from city.connectivity.v1.revocations_pb2 import Revoked
from city.policy.v1.policies_pb2 import PolicyActivated
from faststream.kafka import KafkaBroker
from google.protobuf.message import Message
from stratapolis.chassis import (
    collector,
    contract,
    dead_letters,
    denials,
    idempotency,
    jobs,
    logs,
    metrics,
    pauses_rpc,
    positions,
    raw,
    relay,
    telemetry,
)
from stratapolis.chassis.app import App, Every, On, OnBatch, Tends
from stratapolis.chassis.db import TRANSIENT, Database, Tx
from stratapolis.chassis.denials import Denials
from stratapolis.chassis.follow import Follower
from stratapolis.chassis.health import Health
from stratapolis.chassis.hearing import Hearing
from stratapolis.chassis.http_face import serve
from stratapolis.chassis.inbox import Inbox
from stratapolis.chassis.keys import KeySet
from stratapolis.chassis.lineage import DatabaseIsOlder, TopicsRemade, check_database, check_topics, watch_topics
from stratapolis.chassis.migrate import MigrationChanged, migrate
from stratapolis.chassis.own_token import Tokens, TokenSource
from stratapolis.chassis.pausing import Pausing
from stratapolis.chassis.policies import Policies
from stratapolis.chassis.positions import OtherCluster
from stratapolis.chassis.relay import Relay
from stratapolis.chassis.revocations import FollowedRevocations
from stratapolis.chassis.rpc.client import Peers
from stratapolis.chassis.rpc.gate import Gate
from stratapolis.chassis.rpc.server import Server
from stratapolis.chassis.settings import LayerSettings, WrongSettings
from stratapolis.chassis.stopping import all_or_stopped, bounded, pause, until_stopped
from stratapolis.chassis.tokens import Verifier

log = structlog.get_logger(__name__)
DRAIN_SECONDS = 20.0
RELAY_SECONDS = 5.0
SECURITY: tuple[type[Message], ...] = (Revoked, PolicyActivated)
"""What every process follows: revocations and the active policies."""

Wire = Callable[[Any, Database, Peers], App]


def main(settings: LayerSettings, wire: Wire, migrations: Path) -> None:
    """Run a layer until SIGTERM or SIGINT; exits with 2 and a line per fault when it cannot start as it is told to."""
    try:
        logs.configure(settings.layer, settings.instance, settings.log_level)
        sys.exit(uvloop.run(_run(settings, wire, migrations)))
    except (WrongSettings, OtherCluster, MigrationChanged, DatabaseIsOlder, TopicsRemade) as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(2) from None


async def _run(settings: LayerSettings, wire: Wire, migrations: Path) -> int:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    tracing = telemetry.provider(settings.layer, settings.instance, settings.otlp, settings.otlp_share)
    async with contextlib.AsyncExitStack() as stack:
        db = await _open(settings, stack, stopping)
        if db is None:
            return 0
        await migrate(db, migrations)
        topics = await _broker_there(settings, db, stopping)
        if not stopping.is_set():
            await Running(settings, db, wire, stack, topics).until(stopping)
    await telemetry.close(tracing)
    return 0


async def _open(settings: LayerSettings, stack: contextlib.AsyncExitStack, stopping: asyncio.Event) -> Database | None:
    """The database, waited for while it is away; raises WrongSettings when it is there and does not take us."""
    while not stopping.is_set():
        db = Database(settings.database.get_secret_value(), name=settings.layer, size=settings.pool_size)
        try:
            return await stack.enter_async_context(db)
        except TRANSIENT as error:
            log.warning("database_away", error=type(error).__name__)
            await pause(stopping, 1)
        except asyncpg.PostgresError as error:
            raise WrongSettings(f"{settings.variable('database')}: PostgreSQL says: {error}") from None
    return None


async def _broker_there(settings: LayerSettings, db: Database, stopping: asyncio.Event) -> Mapping[str, str]:
    """Wait for the broker and the topics of the contract, and see that cluster, topics and database belong together. The topics' ids."""
    while not stopping.is_set():
        admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka)
        try:
            await admin.start()
            cluster = await admin.describe_cluster()
            missing = sorted(set(contract.topics()) - set(await admin.list_topics()))
        except (KafkaError, OSError) as error:
            log.warning("broker_away", error=str(error))
        else:
            await positions.check_cluster(db, str(cluster["cluster_id"]))
            if missing:
                log.warning("topics_missing", topics=missing)
            elif topics := await _belong_together(settings, db):
                return topics
        finally:
            with contextlib.suppress(KafkaError, OSError):
                await admin.close()
        await pause(stopping, 1)
    return {}


async def _belong_together(settings: LayerSettings, db: Database) -> Mapping[str, str]:
    """The topics' ids, once topics and database are seen to belong together; none while broker or database are away."""
    try:
        topics = await check_topics(db, settings.kafka)
        await check_database(db, settings.kafka, settings.layer, forget=settings.forget)
    except (*TRANSIENT, KafkaError, OSError) as error:
        log.warning("not_seen_together", error=repr(error))
        return {}
    return topics


class Deferred:
    """A token source that is named after those who use it were made: connectivity's own issuer is part of its app."""

    source: TokenSource | None = None

    async def token(self, audience: str) -> str:
        """A token for calls to `audience`."""
        if self.source is None:
            raise RuntimeError("a token was asked for before the app was wired")
        return await self.source.token(audience)


class Running:
    """One running app, put together."""

    def __init__(self, settings: LayerSettings, db: Database, wire: Wire, stack: contextlib.AsyncExitStack, topics: Mapping[str, str]) -> None:
        self._settings, self._db, self._stack, self._topics = settings, db, stack, topics
        self._followers = {event: Follower(event, settings.kafka) for event in SECURITY}
        tokens = Deferred()
        self._peers = Peers(settings.peers, tokens)
        self._app = wire(settings, db, self._peers)
        for follows in self._app.follows:
            self._followers.setdefault(follows.event, Follower(follows.event, settings.kafka, follows.heard))
        issuer = self._app.issuer
        self._outside: list[KeySet | Tokens] = []
        keys = issuer
        tokens.source = issuer
        if issuer is None:
            keys = KeySet(f"{settings.connectivity_url}/.well-known/jwks.json")
            tokens.source = Tokens(f"{settings.connectivity_url}/oauth2/token", f"layer:{settings.layer}", settings.key())
            self._outside = [keys, tokens.source]
        revocations = FollowedRevocations(self._followers[Revoked])
        verifier = Verifier(keys, settings.layer, revocations)
        self._denials, self._on_denials = Denials(settings.layer), self._app.on_denials or _says_denials(settings.layer)
        self._gate = Gate(settings.layer, verifier, Policies(self._policy_set), self._denials)
        self._relay = Relay(settings.layer, db, settings.kafka, may_lead=lambda: check_database(db, settings.kafka, settings.layer))
        db.on_said = self._relay.wake
        heard = [on for on in self._app.hears if isinstance(on, On)]
        self._inbox = Inbox(settings.layer, {on.event.DESCRIPTOR.full_name: on for on in heard})
        answers = (*self._app.answers, dead_letters.answers(self._inbox), pauses_rpc.answers())
        self._server = Server(settings.layer, answers, db=db, gate=self._gate, port=settings.grpc_port, host=settings.host)
        self._broker = KafkaBroker(settings.kafka, client_id=f"city-{settings.layer}", logger=None)
        self._ears = self._make_ears(heard)
        self._health = Health(settings.layer, self._checks(), self._ears, self._paused)

    def _policy_set(self) -> PolicyActivated | None:
        newest = self._followers[PolicyActivated].newest.get("city")
        return newest if isinstance(newest, PolicyActivated) else None

    def _make_ears(self, heard: Sequence[On]) -> list[Hearing]:
        layer, instance = self._settings.layer, self._settings.instance or None
        ears = []
        if names := sorted({topic.name for on in heard for topic in contract.topics_of(on.event, reader=layer)}):
            ears.append(
                Hearing(
                    self._broker, self._db, names, app=layer, group=f"city-{layer}", apply=self._inbox.apply, bury=self._inbox.bury, instance=instance,
                    pausing=Pausing(layer, self._db),
                )
            )  # fmt: skip
        for on in self._app.hears:
            if isinstance(on, OnBatch):
                ears += raw.ears(self._broker, self._db, on, app=layer, instance=instance)
        return ears

    def _paused(self) -> list[str]:
        return sorted({topic for ear in self._ears if ear.pausing is not None for topic in ear.pausing.topics})

    def _checks(self) -> dict[str, Callable[[], bool]]:
        return {
            "broker": self._relay.ready.is_set,
            "following": lambda: all(f.caught_up.is_set() for f in self._followers.values()),
            "hearing": lambda: all(ear.assigned.is_set() for ear in self._ears),
        }

    async def until(self, stopping: asyncio.Event) -> None:
        """Serve until `stopping`, then: not ready first, intake stopped, work in hand ended, the outbox published."""
        hush, relay_stopping = asyncio.Event(), asyncio.Event()
        for client in (*self._outside, self._peers, *self._app.lives):
            await self._stack.enter_async_context(client)
        loops = [asyncio.create_task(f.run(hush)) for f in self._followers.values()]
        loops.append(asyncio.create_task(watch_topics(self._settings.kafka, self._topics, hush)))
        routes = [*self._health.routes(), *self._app.routes]
        loops.append(asyncio.create_task(serve(routes, self._gate, self._settings.host, self._settings.http_port, hush)))
        relaying = asyncio.create_task(self._relay.run(relay_stopping))
        await self._start_broker(stopping)
        working = [asyncio.create_task(ear.run(hush)) for ear in self._ears] if not stopping.is_set() else []
        working.append(asyncio.create_task(self._denials.run(self._db, self._on_denials, hush)))
        working += [asyncio.create_task(jobs.run(e, self._db, self._app.name, hush)) for e in (*self._app.every, *self._own_jobs())]
        await all_or_stopped(stopping, *(f.caught_up for f in self._followers.values()))
        async with self._server:
            collector.settle()
            await self._server.ready(yes=True)
            self._health.serving = True
            log.info("serving", grpc=self._settings.grpc_port, http=self._settings.http_port)
            await until_stopped(stopping, [*loops, relaying, *working])
            began, self._health.serving = time.monotonic(), False
        hush.set()
        await bounded(DRAIN_SECONDS / 2, *working)
        with contextlib.suppress(TimeoutError, KafkaError):
            async with asyncio.timeout(RELAY_SECONDS):
                await self._broker.stop()
        relay_stopping.set()
        await bounded(RELAY_SECONDS, relaying, *loops)
        log.info("stopped", seconds=round(time.monotonic() - began, 2))

    async def _start_broker(self, stopping: asyncio.Event) -> None:
        if not self._ears:
            return
        while not stopping.is_set():
            try:
                await self._broker.start()
            except (KafkaError, OSError) as error:
                log.warning("broker_away", error=str(error))
                await pause(stopping, 1)
            else:
                return

    def _own_jobs(self) -> tuple[Every | Tends, ...]:
        return (
            Every(timedelta(seconds=5), self._gauges),
            Every(timedelta(minutes=10), idempotency.prune),
            Tends(timedelta(minutes=10), relay.prune),
        )

    async def _gauges(self, *, tx: Tx, at: Any) -> None:  # noqa: ARG002 - the shape of a job
        metrics.OUTBOX_AGE.labels(self._app.name).set(await tx.value(relay.AGE))
        metrics.DEAD_OPEN.labels(self._app.name).set(await tx.value("select count(*) from dead_letter where state = 'dead'"))


def _says_denials(layer: str) -> denials.Hand:
    """Raises NotInContract at the start for an app that has no topic to say them on, or nobody would hear of them."""
    contract.topic_said(AccessDenied.DESCRIPTOR.full_name, layer)
    return denials.say
