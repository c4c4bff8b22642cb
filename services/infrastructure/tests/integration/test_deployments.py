"""Software that is wanted runs, once; what is not wanted is gone."""

import os
import signal
import stat

import pytest
from city.infrastructure.v1.events_pb2 import (
    CapacityReleased,
    DeploymentFailed,
    DeploymentReady,
    DeploymentRetired,
)
from city.journey.v1 import journey_pb2 as pb
from city.journey.v1.journey_pb2 import StageAnswered
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from stratapolis.infrastructure.providers import processes

from services.infrastructure.tests.builders import CRASHING, DEAF, ROOT, SERVER, Layer, a_request, place, told, until


async def test_a_registered_artefact_runs_and_the_journey_is_answered_with_its_endpoint(layer: Layer) -> None:
    await layer.artefact("guide", SERVER)
    request = await layer.launch("guide")
    ready = await layer.until(request, "ready")
    said = await layer.under.published()
    answered = [event for event in said if isinstance(event, StageAnswered)]
    assert [(a.stage, a.outcome, a.endpoint) for a in answered] == [
        (pb.STAGE_CLEARING, pb.OUTCOME_CLEARED, ""),
        (pb.STAGE_DEPLOYING, pb.OUTCOME_CLEARED, ready.endpoint),
    ]
    assert [event for event in said if isinstance(event, DeploymentReady)] == [
        DeploymentReady(service_id=request.service_id, version=1, endpoint=ready.endpoint)
    ]
    assert told(ready)["pid"]


async def test_the_layers_own_job_does_it_all(layer: Layer) -> None:
    await layer.artefact("guide", SERVER)
    request = await layer.launch("guide")

    async def ready() -> bool:
        await layer.under.run("keep_tending")
        return (await layer.deployment(request)).state == "ready"

    await until(ready)


async def test_a_service_is_told_what_it_needs_and_nothing_else(layer: Layer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITY_INFRASTRUCTURE_DATABASE", "postgresql://secret")
    await layer.artefact("guide", SERVER)
    ready = await layer.until(await layer.launch("guide"), "ready")
    seen = told(ready)
    environ = seen["environ"]
    assert isinstance(environ, dict)
    city = {name: value for name, value in environ.items() if name.startswith("CITY_") or name == "PORT"}
    assert city == {
        "PORT": str(ready.port), "CITY_DATA": "127.0.0.1:1", "CITY_SERVICE_ID": ready.service_id, "CITY_SUBJECT": f"system:{ready.service_id}",
        "CITY_KEY_FILE": str(place(layer, ready) / "key.pem"),
    }  # fmt: skip
    assert not set(environ) - set(city) - {
        "PATH", "LANG", "LC_CTYPE", "HOME", "TMPDIR", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "LD_LIBRARY_PATH",
    }  # fmt: skip
    assert seen["cwd"] == str(place(layer, ready) / "home")
    assert seen["files"] == [256, 256]
    assert seen["sid"] == seen["pid"]


async def test_the_private_key_is_the_services_alone_and_connectivity_knows_the_public_one(layer: Layer) -> None:
    await layer.artefact("guide", SERVER)
    ready = await layer.until(await layer.launch("guide"), "ready")
    key = place(layer, ready) / "key.pem"
    private = load_pem_private_key(key.read_bytes(), password=None)
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert layer.register.active == [(ready.service_id, 1, public)]
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert key.stat().st_uid == told(ready)["uid"]


@pytest.mark.skipif(not ROOT, reason="only root can run a service as another user")
async def test_as_root_each_service_is_a_user_of_its_own(layer: Layer) -> None:
    await layer.artefact("guide", SERVER)
    one, two = await layer.launch("guide"), await layer.launch("guide")
    uids = {told(await layer.until(request, "ready"))["uid"] for request in (one, two)}
    assert len(uids) == 2
    assert not uids & {0, os.getuid(), 65534}


async def test_nothing_starts_before_connectivity_knows_the_key(layer: Layer) -> None:
    await layer.artefact("guide", SERVER)
    layer.register.away = True
    request = await layer.launch("guide")

    async def waits() -> bool:
        await layer.tend()
        return "connectivity" in (await layer.deployment(request)).message

    await until(waits)
    assert (await layer.deployment(request)).process is None
    layer.register.away = False
    assert (await layer.until(request, "ready")).deaths == 0


async def test_a_program_that_keeps_dying_fails_and_the_journey_is_refused_with_its_last_words(layer: Layer) -> None:
    await layer.artefact("crash", CRASHING)
    request = await layer.launch("crash")
    failed = await layer.until(request, "failed")
    said = await layer.under.published()
    assert [event for event in said if isinstance(event, DeploymentFailed)] == [
        DeploymentFailed(service_id=request.service_id, version=1, message="ended by itself: no module named boot")
    ]
    answer = [event for event in said if isinstance(event, StageAnswered)][-1]
    assert (answer.stage, [(r.code, r.message) for r in answer.reasons]) == (
        pb.STAGE_DEPLOYING,
        [("DEPLOYMENT_FAILED", "ended by itself: no module named boot")],
    )
    assert await layer.used() == (100, 128)
    await layer.end(request, pb.JOURNEY_STATE_REJECTED)
    await layer.until(request, "retired")
    assert await layer.used() == (0, 0)
    assert not place(layer, failed).exists()


async def test_files_that_changed_since_they_were_registered_are_not_run(layer: Layer) -> None:
    folder = await layer.artefact("guide", SERVER)
    (folder / "main.py").write_text(SERVER + "# changed\n")
    request = await layer.launch("guide")
    failed = await layer.until(request, "failed")
    assert "have changed" in failed.message
    assert failed.process is None


async def test_what_runs_is_a_copy_that_later_changes_do_not_reach(layer: Layer) -> None:
    folder = await layer.artefact("guide", SERVER)
    request = await layer.launch("guide")
    ready = await layer.until(request, "ready")
    (folder / "main.py").write_text(CRASHING)
    assert ready.process is not None
    os.kill(ready.process.pid, signal.SIGKILL)
    await layer.until(request, "degraded")
    await layer.until(request, "ready")


async def test_a_service_that_dies_is_degraded_started_again_and_recovers_at_the_same_place(layer: Layer) -> None:
    await layer.artefact("guide", SERVER)
    request = await layer.launch("guide")
    before = await layer.until(request, "ready")
    await layer.end(request, pb.JOURNEY_STATE_LIVE)
    assert before.process is not None
    os.kill(before.process.pid, signal.SIGKILL)
    await layer.until(request, "degraded")
    after = await layer.until(request, "ready")
    assert after.endpoint == before.endpoint
    assert after.process != before.process
    kinds = [event.DESCRIPTOR.name for event in await layer.under.published() if not isinstance(event, StageAnswered)]
    assert kinds == ["DeploymentReady", "DeploymentDegraded", "DeploymentRecovered"]
    assert len(layer.register.active) == 1


async def test_a_frozen_service_is_degraded_and_replaced(layer: Layer) -> None:
    await layer.artefact("guide", SERVER)
    request = await layer.launch("guide")
    before = await layer.until(request, "ready")
    assert before.process is not None
    os.kill(before.process.pid, signal.SIGSTOP)
    await layer.until(request, "degraded", 30)
    after = await layer.until(request, "ready", 30)
    assert after.process != before.process


async def test_an_ended_journey_ends_its_processes_and_frees_its_capacity_after_them(layer: Layer) -> None:
    await layer.artefact("guide", SERVER)
    request = await layer.launch("guide")
    ready = await layer.until(request, "ready")
    await layer.under.published()
    await layer.end(request, pb.JOURNEY_STATE_WITHDRAWN)
    assert await layer.used() == (100, 128)
    await layer.until(request, "retired")
    assert await layer.used() == (0, 0)
    assert ready.process is not None and not processes.is_alive(ready.process)
    assert not place(layer, ready).exists()
    assert await layer.under.published() == [
        DeploymentRetired(service_id=request.service_id, version=1),
        CapacityReleased(service_id=request.service_id, version=1, pool="city", cpu_millis=100, memory_mib=128),
    ]


async def test_one_that_does_not_want_to_end_is_killed(layer: Layer) -> None:
    await layer.artefact("deaf", DEAF)
    request = await layer.launch("deaf")
    ready = await layer.until(request, "ready")
    await layer.end(request, pb.JOURNEY_STATE_WITHDRAWN)
    await layer.until(request, "retired")
    assert ready.process is not None and not processes.is_alive(ready.process)


async def test_a_journey_that_ends_while_its_software_starts_is_not_answered(layer: Layer) -> None:
    await layer.artefact("guide", SERVER)
    request = await layer.launch("guide")
    await layer.until(request, "starting")
    await layer.under.published()
    await layer.end(request, pb.JOURNEY_STATE_WITHDRAWN)
    await layer.until(request, "retired")
    assert not [event for event in await layer.under.published() if isinstance(event, StageAnswered)]


async def test_a_journey_that_ends_in_the_middle_of_a_start_leaves_nothing_running(layer: Layer) -> None:
    await layer.artefact("guide", SERVER)
    request = await layer.launch("guide")
    layer.register.before = lambda: layer.end(request, pb.JOURNEY_STATE_WITHDRAWN)
    await layer.tend()
    assert (await layer.deployment(request)).process is None, "what was decided before the end was written after it"
    await layer.until(request, "retired")
    assert not processes.is_locked(layer.provider._ground.folder / request.journey_id / "lock")


async def test_a_question_that_comes_again_is_answered_by_what_runs(layer: Layer) -> None:
    await layer.artefact("guide", SERVER)
    request = await layer.launch("guide")
    ready = await layer.until(request, "ready")
    await layer.under.published()
    again = a_request(like=request, stage=pb.STAGE_DEPLOYING)
    again.attempt = 2
    await layer.under.deliver(again)
    (answer,) = await layer.under.published()
    assert isinstance(answer, StageAnswered)
    assert (answer.attempt, answer.endpoint) == (2, ready.endpoint)
