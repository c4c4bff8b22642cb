"""Feedback: one word per subscriber and service, which may be changed; a service's rating is their sum."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from stratapolis.value_catalog.domain.errors import NotASubscriber


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """A subscriber's word on a service; `rating` from 1 to 5. The comment is personal and leaves the layer only to who may read it."""

    feedback_id: str
    service_id: str
    creator_id: str
    subscriber: str
    rating: int
    comment: str
    given_at: datetime
    updated_at: datetime


def give(new: Feedback, before: Feedback | None, *, is_subscriber: bool) -> tuple[Feedback, int, int]:
    """The feedback as it stands now, and by how much the service's count of ratings and their sum change."""
    if not is_subscriber:
        raise NotASubscriber(new.service_id)
    if before is None:
        return new, 1, new.rating
    changed = replace(before, rating=new.rating, comment=new.comment, updated_at=new.updated_at)
    return changed, 0, new.rating - before.rating
