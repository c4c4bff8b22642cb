"""Innovation's lines of the table in test_g11_owners.py: what stands on the board is everybody's, consents, seats and awards are not."""

from __future__ import annotations

from city.innovation.v1 import idea_service_pb2 as ideas
from city.innovation.v1 import pilot_service_pb2 as pilots
from city.innovation.v1 import training_service_pb2 as trainings
from stratapolis.chassis.ids import new_id

from e2e_tests.rows import Free, Lists, Names

ON_THE_BOARD = Free("programmes, challenges, ideas, workshops, pilots and partnerships are there for everybody; who may not change one is told so")
PUBLIC = (
    "GetProgramme", "ListProgrammes", "GetZoneDays", "GetChallenge", "ListChallenges", "SubmitIdea", "SupportIdea", "WithdrawSupport", "WithdrawIdea",
    "GetIdea", "ListIdeas", "WatchBoard", "GetWorkshop", "ListWorkshops", "BookPilot", "CancelPilot", "RecordPilotResult", "GetPilot", "ListPilots",
    "ConsentToPilot", "EnrolInTraining", "GetPartnership", "ListPartnerships",
)  # fmt: skip
INNOVATION: dict[str, Names | Lists | Free] = {
    **dict.fromkeys(PUBLIC, ON_THE_BOARD),
    "ListNews": Lists(("idea",), ideas.ListNewsRequest(page_size=500)),
    "ListConsents": Lists(("consent",), pilots.ListConsentsRequest(page_size=500)),
    "WithdrawConsent": Names("consent", lambda i: pilots.WithdrawConsentRequest(request_id=new_id(), consent_id=i)),
    "ListEnrolments": Lists(("enrolment",), trainings.ListEnrolmentsRequest(page_size=500)),
    "LeaveTraining": Names("enrolment", lambda i: trainings.LeaveTrainingRequest(request_id=new_id(), enrolment_id=i)),
    "ListAwards": Lists(("award",), trainings.ListAwardsRequest(page_size=500)),
    "GetCredential": Names("award", lambda i: trainings.GetCredentialRequest(award_id=i)),
}
