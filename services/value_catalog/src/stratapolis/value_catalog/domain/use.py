"""Uses: recorded once each by their id, while their subscription runs and the report is neither too early nor too late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from stratapolis.value_catalog.domain.errors import ConnectionNotTrusted, NotTheService
from stratapolis.value_catalog.domain.subscription import Subscription

AHEAD = timedelta(minutes=5)
BACK = timedelta(days=90)


class Became(StrEnum):
    """What became of a reported use."""

    RECORDED = "recorded"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One metered consumption."""

    use_id: str
    subscription_id: str
    quantity: int
    used_at: datetime


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to one use; a refusal has a reason of the contract's and a message for people."""

    use: Use
    became: Became
    reason: str = ""
    message: str = ""


def system_of(service_id: str) -> str:
    """The identity that a service's own software goes by."""
    return f"system:{service_id}"


def may_record(service_id: str, *, subject: str, is_trusted: bool) -> None:
    """Only the service itself reports, over a trusted connection."""
    if subject != system_of(service_id):
        raise NotTheService(service_id)
    if not is_trusted:
        raise ConnectionNotTrusted(service_id)


def judge(uses: Sequence[Use], recorded: Mapping[str, Use], subscriptions: Mapping[str, Subscription], *, at: datetime) -> list[Verdict]:
    """A verdict for each use, in order: what is recorded already, here or earlier in the same report, is a duplicate or reuses the id.

    `subscriptions` are the service's own, by id.
    """
    known = dict(recorded)
    verdicts = []
    for use in uses:
        if use.use_id in known:
            verdicts.append(_again(use, known[use.use_id]))
            continue
        verdict = _refusal(use, subscriptions.get(use.subscription_id), at) or Verdict(use, Became.RECORDED)
        if verdict.became is Became.RECORDED:
            known[use.use_id] = use
        verdicts.append(verdict)
    return verdicts


def _again(use: Use, before: Use) -> Verdict:
    if use == before:
        return Verdict(use, Became.DUPLICATE)
    return Verdict(use, Became.REFUSED, "USE_ID_REUSED", "the id stands for a use with other content; a use has an id of its own")


def _refusal(use: Use, subscription: Subscription | None, at: datetime) -> Verdict | None:
    if use.used_at > at + AHEAD:
        return Verdict(use, Became.REFUSED, "TOO_EARLY", "the use lies more than 5 minutes ahead; is the clock right?")
    if use.used_at < at - BACK:
        return Verdict(use, Became.REFUSED, "TOO_LATE", "the use lies more than 90 days back")
    if subscription is None:
        return Verdict(use, Became.REFUSED, "NO_SUBSCRIPTION", "the service has no such subscription")
    if use.used_at < subscription.started_at:
        return Verdict(use, Became.REFUSED, "NO_SUBSCRIPTION", "the subscription began after the use")
    if not subscription.runs(use.used_at):
        return Verdict(use, Became.REFUSED, "SUBSCRIPTION_ENDED", "the subscription had ended")
    return None
