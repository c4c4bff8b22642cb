"""Software through a service's life: two versions side by side, the old one gone after it has drained, nothing left after a retirement."""

import httpx
from city.governance.v1.events_pb2 import StageRequested
from city.infrastructure.v1.events_pb2 import CapacityReleased, DeploymentRetired
from city.infrastructure.v1.pool_pb2 import Quota
from city.journey.v1 import journey_pb2 as pb
from stratapolis.chassis.testing.journeys import end_of, retirement_of, upgrade_of
from stratapolis.infrastructure.domain.deployment import State

from services.infrastructure.tests.builders import SERVER, Layer, a_request


async def live(layer: Layer) -> StageRequested:
    """A version that runs and is live."""
    await layer.artefact("guide", SERVER)
    request = await layer.launch("guide")
    await layer.until(request, State.READY)
    await layer.under.deliver(end_of(request))
    return request


async def ready(layer: Layer, of: StageRequested) -> StageRequested:
    """An upgrade whose software runs beside what is live."""
    request = upgrade_of(of)
    for stage in (pb.STAGE_CLEARING, pb.STAGE_DEPLOYING):
        request.stage = stage
        await layer.under.deliver(request)
    await layer.until(request, State.READY)
    return request


async def answers(endpoint: str) -> int:
    async with httpx.AsyncClient() as http:
        return (await http.get(f"{endpoint}/health")).status_code


async def test_both_versions_answer_until_the_old_one_has_drained_and_then_it_is_gone_with_its_capacity(layer: Layer) -> None:
    await layer.pool()
    first = await live(layer)
    second = await ready(layer, first)
    old, new = await layer.deployment(first), await layer.deployment(second)
    assert old.endpoint != new.endpoint and await answers(old.endpoint) == await answers(new.endpoint) == 200
    assert await layer.used() == (200, 256)
    assert [version for _, version, _ in layer.register.active] == [1, 2]
    await layer.under.deliver(end_of(second))
    await layer.tend()
    assert await answers(old.endpoint) == 200
    await layer.under.published()
    await layer.under.run("let_go_drained")
    await layer.until(first, State.RETIRED)
    said = [event for event in await layer.under.published() if isinstance(event, DeploymentRetired | CapacityReleased)]
    assert [(type(event), event.version) for event in said] == [(DeploymentRetired, 1), (CapacityReleased, 1)]
    assert await layer.used() == (100, 128)
    assert await answers(new.endpoint) == 200


async def test_a_failed_upgrade_is_gone_and_the_live_version_goes_on(layer: Layer) -> None:
    await layer.pool()
    first = await live(layer)
    second = await ready(layer, first)
    await layer.under.deliver(end_of(second, pb.JOURNEY_STATE_REJECTED))
    await layer.until(second, State.RETIRED)
    assert await layer.used() == (100, 128)
    assert await answers((await layer.deployment(first)).endpoint) == 200


async def test_an_upgrade_that_does_not_fit_beside_the_live_version_is_refused_with_the_surge_named(layer: Layer) -> None:
    await layer.pool(150, 200)
    first = await live(layer)
    await layer.under.published()
    second = upgrade_of(first)
    second.stage = pb.STAGE_CLEARING
    await layer.under.deliver(second)
    (answered,) = [event for event in await layer.under.published() if isinstance(event, pb.StageAnswered)]
    assert [(reason.code, reason.message) for reason in answered.reasons] == [
        ("NO_CAPACITY", f"pool city has {free} {unit} free, {asked} {unit} are asked for, beside {BESIDE}")
        for free, unit, asked in ((50, "mCPU", 100), (72, "MiB", 128))
    ]
    assert await layer.used() == (100, 128)


BESIDE = "version 1, which holds 100 mCPU, 128 MiB of pool city until it has drained"


async def test_the_quota_counts_both_versions_too(layer: Layer) -> None:
    await layer.pool(quota=Quota(cpu_millis=150, memory_mib=8_192, replicas=20))
    second = upgrade_of(await live(layer))
    second.stage = pb.STAGE_CLEARING
    await layer.under.published()
    await layer.under.deliver(second)
    (answered,) = [event for event in await layer.under.published() if isinstance(event, pb.StageAnswered)]
    assert [reason.code for reason in answered.reasons] == ["QUOTA_EXCEEDED"]
    assert BESIDE in answered.reasons[0].message


async def test_a_retirement_is_answered_when_nothing_runs_any_more_and_nothing_is_held(layer: Layer) -> None:
    await layer.pool()
    first = await live(layer)
    second = await ready(layer, first)
    await layer.under.deliver(end_of(second))
    await layer.under.published()
    await layer.under.deliver(retirement_of(second))
    await layer.under.run("finish_retiring")
    assert not [event for event in await layer.under.published() if isinstance(event, pb.StageAnswered)]
    for request in (first, second):
        await layer.until(request, State.RETIRED)
    await layer.under.run("finish_retiring")
    (answered,) = [event for event in await layer.under.published() if isinstance(event, pb.StageAnswered)]
    assert (answered.stage, answered.outcome) == (pb.STAGE_RETIRING, pb.OUTCOME_CLEARED)
    assert await layer.used() == (0, 0)
    assert list((layer.folder / "services").glob("journey-*")) == []


async def test_of_a_service_without_software_a_retirement_is_answered_at_once(layer: Layer) -> None:
    request = a_request()
    await layer.under.deliver(request, end_of(request))
    await layer.under.published()
    await layer.under.deliver(retirement_of(request))
    assert [type(event) for event in await layer.under.published()] == [pb.StageAnswered]
