"""Innovation, put together: the only module that names handlers, servicers and jobs."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from city.governance.v1.events_pb2 import IndicatorMeasured, IndicatorOffTarget, ValueCreatorAccepted, ValueCreatorSuspended
from city.innovation.v1 import (
    challenge_service_pb2,
    idea_service_pb2,
    partnership_service_pb2,
    pilot_service_pb2,
    programme_service_pb2,
    training_service_pb2,
    workshop_service_pb2,
)
from city.journey.v1.journey_pb2 import STAGE_RETIRING
from city.value_catalog.v1.events_pb2 import FeedbackGiven, ServicePublished
from stratapolis.chassis import holds_rpc
from stratapolis.chassis.app import Answers, App, Every, On
from stratapolis.chassis.db import Database
from stratapolis.chassis.holds import Holder
from stratapolis.chassis.rpc.client import Peers
from stratapolis.innovation import handlers, jobs
from stratapolis.innovation.calendar import Calendar
from stratapolis.innovation.domain.challenge import BadRating
from stratapolis.innovation.rpc.challenges import Challenges
from stratapolis.innovation.rpc.ideas import Ideas
from stratapolis.innovation.rpc.partnerships import Partnerships
from stratapolis.innovation.rpc.pilots import Pilots
from stratapolis.innovation.rpc.programmes import Programmes
from stratapolis.innovation.rpc.trainings import Trainings
from stratapolis.innovation.rpc.workshops import Workshops
from stratapolis.innovation.settings import Settings

LAYER = "innovation"


def wire(settings: Settings, db: Database, peers: Peers) -> App:  # noqa: ARG001 - what every layer is wired with
    """The innovation layer of a running city."""
    return app(settings.calendar, settings.bad, city=settings.city, start_every=timedelta(seconds=settings.start_seconds))


def app(calendar: Calendar, bad: BadRating, *, city: str, start_every: timedelta = timedelta(seconds=1)) -> App:
    """The innovation layer; tests call this too, in other zones. It reserves nothing for a journey, and has its part in retirements."""
    holder = Holder(LAYER, {STAGE_RETIRING: partial(handlers.retire, calendar=calendar)}, handlers.let_go)
    return App(
        name=LAYER,
        hears=(
            *holder.hears,
            On(IndicatorMeasured, handlers.on_indicator_measured),
            On(IndicatorOffTarget, handlers.on_indicator_off_target),
            On(FeedbackGiven, partial(handlers.on_feedback_given, calendar=calendar, bad=bad)),
            On(ServicePublished, handlers.on_service_published),
            On(ValueCreatorAccepted, handlers.on_value_creator_accepted),
            On(ValueCreatorSuspended, handlers.on_value_creator_suspended),
        ),
        answers=(
            Answers(programme_service_pb2.DESCRIPTOR.services_by_name["ProgrammeService"], Programmes(calendar)),
            Answers(challenge_service_pb2.DESCRIPTOR.services_by_name["ChallengeService"], Challenges()),
            Answers(idea_service_pb2.DESCRIPTOR.services_by_name["IdeaService"], Ideas(calendar)),
            Answers(workshop_service_pb2.DESCRIPTOR.services_by_name["WorkshopService"], Workshops(calendar)),
            Answers(pilot_service_pb2.DESCRIPTOR.services_by_name["PilotService"], Pilots(calendar)),
            Answers(training_service_pb2.DESCRIPTOR.services_by_name["TrainingService"], Trainings(calendar, city)),
            Answers(partnership_service_pb2.DESCRIPTOR.services_by_name["PartnershipService"], Partnerships(calendar)),
            holds_rpc.answers(LAYER),
        ),
        every=(
            *holder.every,
            Every(start_every, partial(jobs.start_pilots, calendar=calendar)),
        ),
    )
