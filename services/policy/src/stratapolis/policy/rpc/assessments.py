"""What clearing would answer, without holding anything."""

from dataclasses import dataclass

from city.journey.v1.journey_pb2 import OUTCOME_CLEARED, OUTCOME_REFUSED
from city.policy.v1 import assessment_service_pb2 as pb
from stratapolis.chassis.errors import InvalidField
from stratapolis.chassis.rpc import Call
from stratapolis.chassis.times import to_timestamp
from stratapolis.policy.assessing import Assessor
from stratapolis.policy.codec import proposals
from stratapolis.policy.store import funding


@dataclass(frozen=True, slots=True)
class Assessments:
    """AssessmentService."""

    assessor: Assessor

    async def assess_proposal(self, request: pb.AssessProposalRequest, call: Call) -> pb.AssessProposalResponse:
        """All reasons, or what would be held."""
        proposal = proposals.proposal(_proposer(request.creator_id, call), request.manifest)
        sources = await funding.known(call.tx, proposal.wanted)
        assessment = await self.assessor.assess(call.tx, request.manifest.metadata.name, proposal, sources, at=call.at)
        if assessment.findings:
            refused = proposals.reasons(assessment)
            return pb.AssessProposalResponse(outcome=OUTCOME_REFUSED, reasons=refused, decided_on=str(assessment.version))
        cleared = proposals.cleared(assessment, proposal, sources)
        return pb.AssessProposalResponse(
            outcome=OUTCOME_CLEARED,
            held=cleared.held,
            obligations=cleared.obligations,
            shares=cleared.shares,
            valid_until_time=to_timestamp(cleared.valid_until) if cleared.valid_until else None,
            decided_on=cleared.decided_on,
        )


def _proposer(creator_id: str, call: Call) -> str:
    """The value creator that would propose: the caller's own; an officer may name any."""
    if not creator_id:
        return call.caller.owner
    if call.owners is not None and creator_id not in call.owners:
        raise InvalidField("creator_id", "leave it empty: you propose for your own value creator")
    return creator_id
