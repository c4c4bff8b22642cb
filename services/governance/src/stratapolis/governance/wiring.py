"""Governance, put together: the only module that names handlers, servicers and jobs."""

from datetime import timedelta
from functools import partial
from zoneinfo import ZoneInfo

from city.data.v1.events_pb2 import IndicatorComputed
from city.governance.v1 import indicator_service_pb2, journey_service_pb2, ledger_service_pb2, lifecycle_service_pb2, value_creator_service_pb2
from city.innovation.v1.events_pb2 import IdeaGraduated
from city.journey.v1.journey_pb2 import StageAnswered
from city.policy.v1.events_pb2 import PerformanceFailureRaised, PerformanceFailureWithdrawn
from city.value_catalog.v1.events_pb2 import RequestOpened, RequestOverdue, RequestUpdated, ServiceUsed, SubscriptionEnded, SubscriptionStarted
from stratapolis.chassis.app import Answers, App, Every, On
from stratapolis.chassis.db import Database
from stratapolis.chassis.rpc.client import Peers
from stratapolis.governance import jobs
from stratapolis.governance.domain.journey import Course
from stratapolis.governance.handlers import indicators, journeys, origins, penalties, uses
from stratapolis.governance.rpc.creators import ValueCreators
from stratapolis.governance.rpc.indicators import Indicators
from stratapolis.governance.rpc.journeys import Journeys
from stratapolis.governance.rpc.ledger import Ledger
from stratapolis.governance.rpc.services import Lifecycles
from stratapolis.governance.settings import Settings


def wire(settings: Settings, db: Database, peers: Peers) -> App:  # noqa: ARG001 - what every layer is wired with
    """The governance layer of a running city."""
    return app(settings.course, settings.settlement_wait, zone=settings.zone, measure_every=settings.measure_every)


def app(course: Course, settlement_wait: timedelta, *, zone: str = "UTC", measure_every: timedelta = timedelta(minutes=1)) -> App:
    """The governance layer; tests call this too, with other deadlines."""
    return App(
        name="governance",
        hears=(
            On(StageAnswered, partial(journeys.on_stage_answered, course=course)),
            On(SubscriptionStarted, uses.on_subscription_started),
            On(SubscriptionEnded, uses.on_subscription_ended),
            On(ServiceUsed, uses.on_service_used, ordered=False),
            On(IndicatorComputed, indicators.on_indicator_computed),
            On(RequestOpened, indicators.on_request_opened),
            On(RequestUpdated, indicators.on_request_updated),
            On(RequestOverdue, indicators.on_request_overdue),
            On(IdeaGraduated, origins.on_idea_graduated),
            On(PerformanceFailureRaised, penalties.on_performance_failure_raised),
            On(PerformanceFailureWithdrawn, penalties.on_performance_failure_withdrawn),
        ),
        answers=(
            Answers(value_creator_service_pb2.DESCRIPTOR.services_by_name["ValueCreatorService"], ValueCreators()),
            Answers(journey_service_pb2.DESCRIPTOR.services_by_name["JourneyService"], Journeys(course)),
            Answers(lifecycle_service_pb2.DESCRIPTOR.services_by_name["LifecycleService"], Lifecycles(course)),
            Answers(ledger_service_pb2.DESCRIPTOR.services_by_name["LedgerService"], Ledger(settlement_wait)),
            Answers(indicator_service_pb2.DESCRIPTOR.services_by_name["IndicatorService"], Indicators(ZoneInfo(zone))),
        ),
        every=(
            Every(timedelta(seconds=1), jobs.expire_stages),
            Every(timedelta(seconds=10), jobs.charge_fees),
            Every(timedelta(seconds=1), jobs.move_subscriptions),
            Every(measure_every, partial(jobs.measure_platform, zone=zone)),
        ),
    )
