"""A free service: whether the air's fine dust was above WHO's 24-hour guideline on a day. GET /air?day=2026-01-31; GET /health.

Guideline: 15 ug/m3 PM2.5 as a 24-hour mean, WHO Global Air Quality Guidelines (2021), table 3.6.
"""

from __future__ import annotations

from decimal import Decimal

import grpc
from city.data.v1 import observations_service_pb2 as observations
from city.data.v1.observations_service_pb2_grpc import ObservationsServiceStub
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from stratapolis.examples.outsider import Outsider, reason, serve

PRODUCT = "beijing-air"
PURPOSE = "warn residents of fine dust"
GUIDELINE = Decimal(15)


async def air(request: Request) -> JSONResponse:
    """Each station's 24-hour mean of a day, and the verdict."""
    city: Outsider = request.app.state.city
    day = request.query_params.get("day", "")
    asked = observations.AggregateRequest(
        product=PRODUCT, purpose=PURPOSE, property="pm25", first_day=day, last_day=day, window=observations.WINDOW_DAY, page_size=500
    )
    try:
        found = await city.stub(ObservationsServiceStub, "data").Aggregate(asked, **await city.call("data"))
    except grpc.aio.AioRpcError as error:
        return JSONResponse({"error": reason(error)}, 400 if error.code() is grpc.StatusCode.INVALID_ARGUMENT else 503)
    stations = {w.thing: Decimal(w.mean) for w in found.windows}
    above = sorted(name for name, mean in stations.items() if mean > GUIDELINE)
    means = {name: f"{mean:.1f}" for name, mean in stations.items()}
    return JSONResponse({"day": day, "guideline": str(GUIDELINE), "unit": found.unit, "stations": means, "above": above, "alert": bool(above)})


def main() -> None:
    """Serve on PORT."""
    serve(Route("/air", air))


if __name__ == "__main__":
    main()
