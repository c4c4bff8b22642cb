"""A service's process over the deaths of its layer: found again, never started twice, never left over."""

from dataclasses import replace

import pytest
from stratapolis.infrastructure.providers import processes
from stratapolis.infrastructure.providers.process import ProcessProvider
from stratapolis.infrastructure.store import artefacts

from services.infrastructure.tests.builders import SERVER, Layer, place, starts, told, until


async def test_starting_what_runs_gives_the_same_process(layer: Layer) -> None:
    await layer.artefact("guide", SERVER)
    ready = await layer.until(await layer.launch("guide"), "ready")
    async with layer.db.transaction() as tx:
        artefact = await artefacts.one(tx, "guide")
    assert artefact is not None
    assert await layer.provider.start(ready, artefact) == ready.process
    assert await ProcessProvider(layer.folder / "services", layer.ports, {}).start(replace(ready, process=None), artefact) == ready.process


@pytest.mark.parametrize("point", ["placed", "started", "noted"])
async def test_a_layer_killed_anywhere_finds_its_process_again_and_starts_none_twice(layer: Layer, point: str) -> None:
    await layer.artefact("guide", SERVER)
    request = await layer.launch("guide")
    await layer.killed_at(point)
    ready = await layer.until(request, "ready")
    assert starts(layer, ready) == 1
    assert ready.process is not None
    assert told(ready)["pid"] == ready.process.pid
    assert len(processes.session(ready.process.pid)) == 1


async def test_a_running_service_outlives_a_killed_layer(layer: Layer) -> None:
    await layer.artefact("guide", SERVER)
    request = await layer.launch("guide")
    before = await layer.until(request, "ready")
    other = await layer.launch("guide")
    await layer.killed_at("noted")
    layer.begin()
    await layer.until(other, "ready")
    after = await layer.deployment(request)
    assert (after.state, after.process) == ("ready", before.process)
    assert starts(layer, after) == 1


async def test_a_process_that_was_started_and_never_noted_is_found_by_its_lock(layer: Layer) -> None:
    await layer.artefact("guide", SERVER)
    request = await layer.launch("guide")
    before = await layer.until(request, "ready")
    async with layer.db.transaction() as tx:
        await tx.execute("update deployment set pid = null, started = null, started_at = null, state = 'asked', ready_at = null")
    layer.begin()
    after = await layer.until(request, "ready")
    assert after.process is not None and before.process is not None
    assert after.process.pid == before.process.pid
    assert starts(layer, after) == 1


async def test_processes_that_no_row_knows_are_ended(layer: Layer) -> None:
    await layer.artefact("guide", SERVER)
    request = await layer.launch("guide")
    ready = await layer.until(request, "ready")
    async with layer.db.transaction() as tx:  # a restored database
        await tx.execute("delete from deployment")
    layer.begin()
    await layer.tend()
    assert ready.process is not None
    alive = ready.process

    async def gone() -> bool:
        return not processes.is_alive(alive)

    await until(gone)
    assert not place(layer, ready).exists()


async def test_more_memory_than_was_asked_for_ends_the_process(layer: Layer) -> None:
    await layer.artefact("greedy", "kept = b'x' * (64 << 20)\n" + SERVER)
    request = await layer.launch("greedy", memory_mib=32)
    failed = await layer.until(request, "failed")
    assert failed.message.startswith("used ") and failed.message.endswith(" MiB of 32 MiB")


async def test_software_imports_what_the_city_offers_within_its_limits(layer: Layer) -> None:
    imports = "import grpc.aio, httpx, jwt, cryptography\nfrom city.data.v1 import events_pb2\nimport stratapolis.examples\n"
    await layer.artefact("guide", imports + SERVER)
    ready = await layer.until(await layer.launch("guide"), "ready")
    assert ready.used_memory_mib < 128
