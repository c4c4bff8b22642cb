"""What owners and operators see of deployments."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import cast

import psutil
import pytest
from city.infrastructure.v1 import deployment_service_pb2 as dpb
from stratapolis.chassis.errors import InvalidField
from stratapolis.chassis.rpc import Call
from stratapolis.infrastructure.domain.errors import DeploymentNotFound
from stratapolis.infrastructure.rpc.deployments import Deployments
from stratapolis.infrastructure.store import deployments

from services.infrastructure.tests.builders import SERVER, Layer, a_call, until


def watch(request: dpb.WatchDeploymentsRequest, call: Call) -> AsyncGenerator[dpb.WatchDeploymentsResponse, None]:
    return cast("AsyncGenerator[dpb.WatchDeploymentsResponse, None]", Deployments().watch_deployments(request, call))


async def test_what_is_used_is_measured(layer: Layer) -> None:
    await layer.artefact("guide", SERVER)
    request = await layer.launch("guide")
    ready = await layer.until(request, "ready")
    await layer.tend()
    assert ready.process is not None
    resident = psutil.Process(ready.process.pid).memory_info().rss / (1 << 20)
    async with layer.db.transaction() as tx:
        shown = await Deployments().get_utilisation(dpb.GetUtilisationRequest(pool="city"), a_call(tx))
    assert shown.used.memory_mib == pytest.approx(resident, abs=4)
    assert shown.services[0].HasField("look_time")


async def test_another_owners_deployment_looks_like_one_that_does_not_exist(layer: Layer) -> None:
    await layer.artefact("guide", SERVER)
    request = await layer.launch("guide")
    texts = []
    async with layer.db.transaction() as tx:
        for service_id in (request.service_id, "no-such-service"):
            with pytest.raises(DeploymentNotFound) as refused:
                await Deployments().get_deployment(dpb.GetDeploymentRequest(service_id=service_id), a_call(tx, owners=("university",)))
            texts.append((str(refused.value), refused.value.details))
        own = await Deployments().get_deployment(dpb.GetDeploymentRequest(service_id=request.service_id), a_call(tx, owners=("mobility-dept",)))
        listed = await Deployments().list_deployments(dpb.ListDeploymentsRequest(), a_call(tx, owners=("university",)))
    assert texts[0] == texts[1]
    assert own.deployment.state == dpb.DEPLOYMENT_STATE_ASKED
    assert not listed.deployments


async def test_deployments_are_listed_newest_first_page_by_page(layer: Layer) -> None:
    await layer.artefact("guide", SERVER)
    requests = [await layer.launch("guide") for _ in range(3)]
    seen, token = [], ""
    async with layer.db.transaction() as tx:
        while True:
            asked = dpb.ListDeploymentsRequest(page_size=2, page_token=token, states=[dpb.DEPLOYMENT_STATE_ASKED])
            page = await Deployments().list_deployments(asked, a_call(tx))
            seen += [each.service_id for each in page.deployments]
            if not (token := page.next_page_token):
                break
    assert seen == [request.service_id for request in reversed(requests)]


async def test_a_watch_shows_how_things_stand_then_each_change_and_goes_on_from_its_cursor(layer: Layer) -> None:
    await layer.artefact("guide", SERVER)
    request = await layer.launch("guide")
    async with layer.db.transaction() as tx:
        call = a_call(tx, owners=("mobility-dept",))
    watching = Call(caller=call.caller, at=call.at, owners=call.owners, db=layer.db)
    async with aclosing(watch(dpb.WatchDeploymentsRequest(), watching)) as stream:
        first = await asyncio.wait_for(anext(stream), 10)
    assert first.deployment.state == dpb.DEPLOYMENT_STATE_ASKED
    await layer.until(request, "ready")
    resumed = dpb.WatchDeploymentsRequest(cursor=first.cursor, service_id=request.service_id)
    async with aclosing(watch(resumed, watching)) as stream:
        item = await asyncio.wait_for(anext(stream), 10)
    assert item.deployment.state == dpb.DEPLOYMENT_STATE_READY
    for wrong in ("x", "999999999999999999:j"):
        with pytest.raises(InvalidField):
            await anext(Deployments().watch_deployments(dpb.WatchDeploymentsRequest(cursor=wrong), watching))


async def test_a_watch_misses_no_change_that_is_committed_late(layer: Layer) -> None:
    await layer.artefact("guide", SERVER)
    late, early = await layer.launch("guide"), await layer.launch("guide")
    async with layer.db.transaction(readonly=True) as tx:
        (*_, (_, cursor)) = await deployments.changed(tx, None, "", ("0", ""), "0", 10)
    change = "update deployment set message = 'seen', changed = pg_current_xact_id() where journey_id = $1"
    async with layer.db.transaction() as open_one:
        await open_one.execute(change, late.journey_id)
        async with layer.db.transaction() as tx:
            await tx.execute(change, early.journey_id)
        async with layer.db.transaction(readonly=True) as tx:
            assert not await deployments.changed(tx, None, "", cursor, "0", 10), "the late one could never be shown after it"
    shown: list[str] = []

    async def both() -> bool:
        async with layer.db.transaction(readonly=True) as tx:
            shown[:] = [each.journey_id for each, _ in await deployments.changed(tx, None, "", cursor, "0", 10)]
        return len(shown) == 2

    await until(both)
    assert shown == [late.journey_id, early.journey_id]
