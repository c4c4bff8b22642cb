"""What value_catalog refuses, named after the refused fact; each `reason` is a name of the contract's ErrorReason."""

from collections.abc import Sequence

from stratapolis.chassis.errors import Kind, Refused


class ServiceNotFound(Refused):
    """The catalogue shows no such service; one whose journey has not ended looks the same."""

    reason = "SERVICE_NOT_FOUND"
    kind = Kind.NOT_FOUND

    def __init__(self, service_id: str) -> None:
        super().__init__(f"the catalogue shows no service {service_id}", service_id=service_id)


class ServiceSuspended(Refused):
    """The service is stopped for a while."""

    reason = "SERVICE_SUSPENDED"

    def __init__(self, service_id: str) -> None:
        super().__init__("the service is suspended: try again when it is resumed", service_id=service_id)


class ServiceRetired(Refused):
    """The service is gone, or on its way out."""

    reason = "SERVICE_RETIRED"

    def __init__(self, service_id: str) -> None:
        super().__init__("the service is retired", service_id=service_id)


class PlanNotFound(Refused):
    """The service has no plan of this name."""

    reason = "PLAN_NOT_FOUND"
    kind = Kind.NOT_FOUND

    def __init__(self, plan: str, plans: Sequence[str]) -> None:
        super().__init__(f"the service has no plan {plan!r}; choose one of {', '.join(plans)}", plan=plan, plans=",".join(plans))


class AlreadySubscribed(Refused):
    """One subscription to a plan runs at a time."""

    reason = "ALREADY_SUBSCRIBED"
    kind = Kind.EXISTS

    def __init__(self, service_id: str, plan: str) -> None:
        super().__init__(f"your subscription to plan {plan!r} runs already", service_id=service_id, plan=plan)


class SubscriptionNotFound(Refused):
    """There is no such subscription, or it is another's: nobody can tell which."""

    reason = "SUBSCRIPTION_NOT_FOUND"
    kind = Kind.NOT_FOUND

    def __init__(self, subscription_id: str) -> None:
        super().__init__(f"there is no subscription {subscription_id}", subscription_id=subscription_id)


class NotTheSubscriber(Refused):
    """Who offers a service sees its subscriptions, but only the subscriber ends them."""

    reason = "NOT_THE_SUBSCRIBER"
    kind = Kind.DENIED

    def __init__(self, subscription_id: str) -> None:
        super().__init__("only the subscriber cancels a subscription", subscription_id=subscription_id)


class SubscriptionEnded(Refused):
    """The subscription has ended; that is final."""

    reason = "SUBSCRIPTION_ENDED"

    def __init__(self, subscription_id: str) -> None:
        super().__init__("the subscription has ended; subscribe again", subscription_id=subscription_id)


class NotTheService(Refused):
    """Only the service's own system identity may do this."""

    reason = "NOT_THE_SERVICE"
    kind = Kind.DENIED

    def __init__(self, service_id: str) -> None:
        super().__init__(f"only the service's own identity, system:{service_id}, records its uses", service_id=service_id)


class ConnectionNotTrusted(Refused):
    """Connectivity trusts no connection that lets the service record uses now."""

    reason = "CONNECTION_NOT_TRUSTED"

    def __init__(self, service_id: str) -> None:
        super().__init__(
            "the connection for uses:record is not trusted now; it is once the service's journey has connected it, so try again", service_id=service_id
        )


class NotASubscriber(Refused):
    """Only who has, or had, a subscription may rate."""

    reason = "NOT_A_SUBSCRIBER"

    def __init__(self, service_id: str) -> None:
        super().__init__("only subscribers rate a service: subscribe first", service_id=service_id)


class RequestsNotTaken(Refused):
    """The service's manifest says nothing of requests."""

    reason = "REQUESTS_NOT_TAKEN"

    def __init__(self, service_id: str) -> None:
        super().__init__("the service takes no requests", service_id=service_id)


class CaseNotFound(Refused):
    """There is no such request, or it is another's: nobody can tell which."""

    reason = "CASE_NOT_FOUND"
    kind = Kind.NOT_FOUND

    def __init__(self, case_id: str) -> None:
        super().__init__(f"there is no request {case_id}", case_id=case_id)


class NotTheProvider(Refused):
    """Only who offers the service moves its requests on."""

    reason = "NOT_THE_PROVIDER"
    kind = Kind.DENIED

    def __init__(self, case_id: str) -> None:
        super().__init__("only the service or members of its value creator move a request on", case_id=case_id)


class CaseNotInState(Refused):
    """The request's state does not allow it."""

    reason = "CASE_NOT_IN_STATE"

    def __init__(self, case_id: str, state: str, wanted: str) -> None:
        super().__init__(f"the request is {state} and cannot become {wanted}", case_id=case_id, state=state)


class AnswerMissing(Refused):
    """A request ends with an answer."""

    reason = "ANSWER_MISSING"
    kind = Kind.INVALID

    def __init__(self, state: str) -> None:
        super().__init__(f"answer: a request is {state} with an answer to who asked", field="answer")
