"""Governance, put together: the only module that names handlers, servicers and jobs."""

from datetime import timedelta
from functools import partial

from city.governance.v1 import journey_service_pb2, value_creator_service_pb2
from city.journey.v1.journey_pb2 import StageAnswered
from stratapolis.chassis.app import Answers, App, Every, On
from stratapolis.chassis.db import Database
from stratapolis.chassis.rpc.client import Peers
from stratapolis.governance import handlers, jobs
from stratapolis.governance.domain.journey import Course
from stratapolis.governance.rpc.creators import ValueCreators
from stratapolis.governance.rpc.journeys import Journeys
from stratapolis.governance.settings import Settings


def wire(settings: Settings, db: Database, peers: Peers) -> App:  # noqa: ARG001 - what every layer is wired with
    """The governance layer of a running city."""
    return app(settings.course)


def app(course: Course) -> App:
    """The governance layer; tests call this too, with other deadlines."""
    return App(
        name="governance",
        hears=(On(StageAnswered, partial(handlers.on_stage_answered, course=course)),),
        answers=(
            Answers(value_creator_service_pb2.DESCRIPTOR.services_by_name["ValueCreatorService"], ValueCreators()),
            Answers(journey_service_pb2.DESCRIPTOR.services_by_name["JourneyService"], Journeys(course)),
        ),
        every=(Every(timedelta(seconds=1), jobs.expire_stages),),
    )
