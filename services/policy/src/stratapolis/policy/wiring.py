"""Policy, put together: the only module that names handlers, servicers and jobs."""

from datetime import timedelta
from functools import partial

from city.governance.v1.events_pb2 import IndicatorMeasured, ValueCreatorAccepted, ValueCreatorSuspended
from city.innovation.v1.events_pb2 import CompetencyAwarded
from city.journey.v1.journey_pb2 import STAGE_CLEARING, STAGE_CONNECTING
from city.journey.v1.journey_pb2 import Stage as StageNumber
from city.policy.v1 import agreement_service_pb2, assessment_service_pb2, funding_service_pb2, policy_service_pb2
from stratapolis.chassis import holds_rpc
from stratapolis.chassis.app import Answers, App, Every, On
from stratapolis.chassis.db import Database
from stratapolis.chassis.holds import Holder, Stage
from stratapolis.chassis.holds_repair import repairs
from stratapolis.chassis.rpc.client import Peers
from stratapolis.policy import handlers, performing
from stratapolis.policy.assessing import Assessor
from stratapolis.policy.rpc.agreements import Agreements
from stratapolis.policy.rpc.assessments import Assessments
from stratapolis.policy.rpc.funding import Funding
from stratapolis.policy.rpc.policies import Policies
from stratapolis.policy.settings import Settings


def wire(settings: Settings, db: Database, peers: Peers) -> App:  # noqa: ARG001 - what every layer is wired with
    """The policy layer of a running city."""
    return app(settings.approval_above, peers)


def app(approval_above: int, peers: Peers) -> App:
    """The policy layer; tests call this too, with another measure of what is large."""
    assessor = Assessor(approval_above)
    stages: dict[StageNumber.ValueType, Stage] = {STAGE_CLEARING: partial(handlers.clear, assessor=assessor), STAGE_CONNECTING: handlers.connect}
    holder = Holder("policy", stages, handlers.let_go, handlers.went_live)
    return App(
        name="policy",
        hears=(
            *holder.hears,
            On(ValueCreatorAccepted, handlers.on_value_creator_accepted),
            On(ValueCreatorSuspended, handlers.on_value_creator_suspended),
            On(CompetencyAwarded, handlers.on_competency_awarded),
            On(IndicatorMeasured, handlers.on_indicator_measured),
        ),
        answers=(
            Answers(policy_service_pb2.DESCRIPTOR.services_by_name["PolicyService"], Policies(assessor.in_force)),
            Answers(assessment_service_pb2.DESCRIPTOR.services_by_name["AssessmentService"], Assessments(assessor)),
            Answers(agreement_service_pb2.DESCRIPTOR.services_by_name["AgreementService"], Agreements()),
            Answers(funding_service_pb2.DESCRIPTOR.services_by_name["FundingService"], Funding()),
            holds_rpc.answers("policy"),
        ),
        every=(*holder.every, *repairs(holder, peers), Every(timedelta(minutes=1), performing.judge_due)),
    )
