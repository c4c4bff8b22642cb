"""A pay-per-use service: how busy a road is now, and where it is calmer. Each answer is one use of the caller's subscription.

GET /guide?site=TE150 with a token for this service; GET /health.
"""

from __future__ import annotations

import uuid

import grpc
from city.data.v1 import observations_service_pb2 as observations
from city.data.v1.observations_service_pb2_grpc import ObservationsServiceStub
from city.value_catalog.v1 import subscription_service_pb2 as subscriptions
from city.value_catalog.v1 import use_service_pb2 as uses
from city.value_catalog.v1.subscription_service_pb2_grpc import SubscriptionServiceStub
from city.value_catalog.v1.use_service_pb2_grpc import UseServiceStub
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from stratapolis.examples.outsider import NotAllowed, Outsider, now, reason, serve

PRODUCT = "berlin-traffic"
PURPOSE = "guide drivers round busy roads"


async def guide(request: Request) -> JSONResponse:
    """How busy the site is, and three calmer ones."""
    city: Outsider = request.app.state.city
    try:
        subscriber = await city.subject_of(request.headers.get("authorization", ""))
    except NotAllowed as error:
        return JSONResponse({"error": str(error)}, 401)
    try:
        subscription = await running_subscription(city, subscriber)
        if subscription is None:
            return JSONResponse({"error": "subscribe to a plan of this service first"}, 402)
        counts = await latest_counts(city)
        site = request.query_params.get("site", "")
        if site not in counts:
            return JSONResponse({"error": f"no such site; there are {len(counts)}", "sites": sorted(counts)[:20]}, 404)
        await record_use(city, subscription)
    except grpc.aio.AioRpcError as error:
        return JSONResponse({"error": reason(error)}, 503)
    calmer = sorted((count, name) for name, count in counts.items() if count < counts[site])[:3]
    return JSONResponse({"site": site, "vehicles_per_hour": counts[site], "calmer": [{"site": n, "vehicles_per_hour": c} for c, n in calmer]})


async def running_subscription(city: Outsider, subscriber: str) -> str | None:
    """The caller's running subscription of this service."""
    stub = city.stub(SubscriptionServiceStub, "value_catalog")
    asked = subscriptions.CheckSubscriptionRequest(service_id=city.service_id, subscriber=subscriber)
    found = await stub.CheckSubscription(asked, **await city.call("value_catalog"))
    return found.subscriptions[0].subscription_id if found.subscriptions else None


async def latest_counts(city: Outsider) -> dict[str, int]:
    """Vehicles in the latest hour at every site, read page by page."""
    stub = city.stub(ObservationsServiceStub, "data")
    counts: dict[str, int] = {}
    token = ""
    while True:
        asked = observations.LatestObservationsRequest(product=PRODUCT, purpose=PURPOSE, property="vehicle_count", page_size=500, page_token=token)
        page = await stub.LatestObservations(asked, **await city.call("data"))
        counts.update({o.thing: int(float(o.value)) for o in page.observations})
        token = page.next_page_token
        if not token:
            return counts


async def record_use(city: Outsider, subscription: str) -> None:
    """Tell the catalogue of one use, before it is answered: what is not recorded is not given."""
    use = uses.Use(use_id=uuid.uuid4().hex, subscription_id=subscription, quantity=1, used_time=now())
    asked = uses.RecordUsesRequest(request_id=uuid.uuid4().hex, service_id=city.service_id, uses=[use])
    await city.stub(UseServiceStub, "value_catalog").RecordUses(asked, **await city.call("value_catalog"))


def main() -> None:
    """Serve on PORT."""
    serve(Route("/guide", guide))


if __name__ == "__main__":
    main()
