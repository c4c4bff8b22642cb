"""Apache Kafka on one node, as a child process."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import os
import uuid
from pathlib import Path

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from stratapolis.cli.local import jars
from stratapolis.cli.local import java as javas
from stratapolis.cli.local.daemon import Daemon
from stratapolis.cli.local.errors import LocalCityError
from stratapolis.cli.local.ports import HOST
from stratapolis.cli.local.process import Child, end, running_in
from stratapolis.cli.local.trouble import in_one_line

_JVM = ("-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xss512k", "-XX:+ExitOnOutOfMemoryError")
_NODE = 1

_PROPERTIES = """\
process.roles=broker,controller
node.id={node}
# A static quorum: the dynamic one remembers ports.
controller.quorum.voters={node}@{host}:{controller_port}
controller.listener.names=CONTROLLER
listeners=BROKER://{host}:{port},CONTROLLER://{host}:{controller_port}{apart}
advertised.listeners=BROKER://{host}:{port}{advertised}
inter.broker.listener.name=BROKER
listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT,APART:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=8
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
# Its default of 5 ms holds up every commit of an offset.
group.coordinator.append.linger.ms=0
# How long a broker that was killed stays away: 2.4 s with 1000, 11.5 s with the default of 9000.
broker.session.timeout.ms=1000
broker.heartbeat.interval.ms=250
log.segment.bytes=67108864
log.index.size.max.bytes=1048576
log.cleaner.dedupe.buffer.size=8388608
num.network.threads=2
num.io.threads=4
"""

_LOGGING = """\
<Configuration status="warn"><Appenders><Console name="out"><PatternLayout pattern="%d{ISO8601} %p %m (%c{1})%n%ex{short}"/></Console></Appenders>
<Loggers><Root level="warn"><AppenderRef ref="out"/></Root></Loggers></Configuration>
"""


class Kafka(Daemon):
    """One broker on the loopback; its data, settings and log lie in `folder`, its jars in the cache."""

    name = "kafka"

    def __init__(
        self,
        folder: Path,
        port: int,
        controller_port: int,
        *,
        cache: Path | None = None,
        java: Path | None = None,
        log: Path | None = None,
        progress: jars.Progress | None = None,
    ) -> None:
        super().__init__(folder, {port: "Kafka", controller_port: "Kafka's controller"}, log)
        self.port, self.controller_port = port, controller_port
        self._cache, self._setting, self._progress = cache or jars.default_cache(), java, progress
        self.apart: tuple[int, int] | None = None
        """A second door: a port to listen on, and the port under which clients that came through it are told to come again, a proxy's."""

    @property
    def bootstrap(self) -> str:
        return f"{HOST}:{self.port}"

    async def make(self) -> Child:
        java = await asyncio.to_thread(javas.find, self._setting)
        paths = await asyncio.to_thread(jars.ensure, self._cache, progress=self._progress)
        properties = self._configure()
        base = (str(java.program), *_JVM, f"-Dlog4j2.configurationFile={self.folder / 'log4j2.xml'}", "-cp", os.pathsep.join(map(str, paths)))
        if not (self.folder / "data" / "meta.properties").exists():
            await self._format(base, properties)
        return Child(
            name=self.name,
            argv=(*base, "kafka.Kafka", str(properties)),
            cwd=self.folder,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"},
            before=self._end_leftovers,
            ready=self.ready,
        )

    def _configure(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        properties = self.folder / "server.properties"
        data = self.folder / "data"
        apart, advertised = (f",APART://{HOST}:{port}" for port in self.apart) if self.apart else ("", "")
        properties.write_text(
            _PROPERTIES.format(node=_NODE, host=HOST, port=self.port, controller_port=self.controller_port, data=data, apart=apart, advertised=advertised)
        )
        (self.folder / "log4j2.xml").write_text(_LOGGING)
        return properties

    async def _format(self, base: tuple[str, ...], properties: Path) -> None:
        """Give the empty folder its cluster id; one that was broken off is done again with the same id."""
        kept = self.folder / "cluster_id"
        if not kept.exists():
            kept.write_text(base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A"))
        command = (*base, "kafka.tools.StorageTool", "format", "-t", kept.read_text(), "-c", str(properties), "--ignore-formatted")
        process = await asyncio.create_subprocess_exec(*command, cwd=self.folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
        try:
            output, _ = await asyncio.wait_for(process.communicate(), 60)
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise
        if process.returncode != 0:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            self.log.write_bytes(output)
            raise LocalCityError(f"Kafka's folder could not be made: {in_one_line(output.decode(errors='replace'), self.log)}")

    async def _end_leftovers(self) -> None:
        """What a killed launcher left on this folder holds its lock and its ports. Ours is the folder: its lock is taken."""
        await asyncio.to_thread(lambda: end(running_in(self.folder, "java")))

    async def ready(self) -> bool:
        """A metadata round trip that names the broker: an open port alone says nothing."""
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(HOST, self.port), 2)
        except (OSError, TimeoutError):
            return False
        writer.close()
        logging.getLogger("aiokafka").addFilter(_quiet)
        client = AIOKafkaClient(bootstrap_servers=self.bootstrap, request_timeout_ms=2_000)
        try:
            await asyncio.wait_for(client.bootstrap(), 5)
            return any(broker.nodeId == _NODE for broker in client.cluster.brokers())
        except (KafkaError, OSError, TimeoutError):
            return False
        finally:
            logging.getLogger("aiokafka").removeFilter(_quiet)
            await client.close()


def _quiet(record: logging.LogRecord) -> bool:
    """A broker that is not there yet is no error while one waits for it."""
    return "Unable connect" not in record.getMessage()
