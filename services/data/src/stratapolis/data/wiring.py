"""Data, put together: the only module that names handlers, servicers and jobs."""

from datetime import timedelta
from functools import partial

from city.connectivity.v1.events_pb2 import ConnectionSevered, ConnectionTrusted
from city.connectivity.v1.observations_pb2 import ThingObserved
from city.data.v1 import data_contracts_service_pb2, data_products_service_pb2, indicator_feeds_service_pb2, observations_service_pb2
from city.journey.v1.journey_pb2 import STAGE_CLEARING, STAGE_CONNECTING, STAGE_RETIRING
from stratapolis.chassis import holds_rpc
from stratapolis.chassis.app import Answers, App, Every, On, OnBatch
from stratapolis.chassis.db import Database
from stratapolis.chassis.holds import Holder
from stratapolis.chassis.holds_repair import repairs
from stratapolis.chassis.rpc.client import Peers
from stratapolis.data import handlers, jobs
from stratapolis.data.rpc.contracts import DataContracts
from stratapolis.data.rpc.feeds import IndicatorFeeds
from stratapolis.data.rpc.observations import Observations
from stratapolis.data.rpc.products import DataProducts
from stratapolis.data.settings import Settings


def wire(settings: Settings, db: Database, peers: Peers) -> App:  # noqa: ARG001 - what every layer is wired with
    """The data layer of a running city; tests call this too."""
    limits = settings.limits
    stages = {STAGE_CLEARING: handlers.clear, STAGE_CONNECTING: handlers.connect, STAGE_RETIRING: handlers.retire}
    holder = Holder("data", stages, handlers.let_go, handlers.went_live)
    kept = partial(
        jobs.prune,
        arrivals=timedelta(hours=settings.arrivals_hours),
        refused=timedelta(days=settings.refused_days),
        refused_most=settings.refused_most,
    )
    return App(
        name="data",
        hears=(
            *holder.hears,
            On(ConnectionTrusted, handlers.on_connection_trusted),
            On(ConnectionSevered, handlers.on_connection_severed),
            OnBatch(ThingObserved, partial(handlers.on_things_observed, limits=limits)),
        ),
        answers=(
            Answers(data_products_service_pb2.DESCRIPTOR.services_by_name["DataProductsService"], DataProducts()),
            Answers(data_contracts_service_pb2.DESCRIPTOR.services_by_name["DataContractsService"], DataContracts()),
            Answers(observations_service_pb2.DESCRIPTOR.services_by_name["ObservationsService"], Observations(limits, settings.stream_poll_seconds)),
            Answers(indicator_feeds_service_pb2.DESCRIPTOR.services_by_name["IndicatorFeedsService"], IndicatorFeeds(limits)),
            holds_rpc.answers("data"),
        ),
        every=(
            *holder.every,
            *repairs(holder, peers),
            Every(timedelta(seconds=1), jobs.compute_windows),
            Every(timedelta(seconds=1), jobs.end_contracts),
            Every(timedelta(hours=1), jobs.make_partitions),
            Every(timedelta(minutes=1), kept),
            Every(timedelta(minutes=10), jobs.erase_old),
        ),
    )
