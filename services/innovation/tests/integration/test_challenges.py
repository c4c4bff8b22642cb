"""Challenges that open themselves: once per period and scope, and not while one about the same is open."""

from __future__ import annotations

from datetime import UTC, datetime

import asyncpg
import pytest
from city.governance.v1.events_pb2 import ValueCreatorSuspended
from city.innovation.v1 import challenge_service_pb2 as pb
from city.innovation.v1.events_pb2 import ChallengeOpened
from city.value_catalog.v1.events_pb2 import FeedbackGiven
from stratapolis.chassis.errors import Permanent
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.times import to_timestamp
from stratapolis.innovation.domain import errors

from services.innovation.tests.builders import AIR, LANTERN, OLGA, Layer, a_measurement, off_target

MAY = datetime(2026, 5, 20, 12, tzinfo=UTC)


def feedback(rating: int, feedback_id: str = "", *, service_id: str = "service-1", at: datetime = MAY) -> FeedbackGiven:
    return FeedbackGiven(service_id=service_id, feedback_id=feedback_id or new_id(), rating=rating, give_time=to_timestamp(at))


async def close(layer: Layer, challenge_id: str) -> None:
    await layer("close_challenge", pb.CloseChallengeRequest(request_id=new_id(), challenge_id=challenge_id, reason="it is mended"), OLGA)


async def test_an_indicator_off_target_opens_a_challenge_and_says_so(layer: Layer) -> None:
    await layer.under.deliver(off_target())
    (challenge,) = await layer.challenges()
    assert (challenge.source, challenge.indicator, challenge.scope, challenge.period) == (pb.CHALLENGE_SOURCE_INDICATOR, AIR, "city", "2026-05-04")
    assert "35" in challenge.description and "15" in challenge.description
    assert await layer.under.published() == [
        ChallengeOpened(
            challenge_id=challenge.challenge_id, source="indicator", title=challenge.title, indicator=AIR, scope="city", period="2026-05-04"
        )
    ]  # fmt: skip


async def test_it_opens_once_a_period_and_scope_and_not_while_it_is_open(layer: Layer) -> None:
    await layer.under.deliver(off_target(), off_target(value="36"), off_target("2026-05-05"))
    (first,) = await layer.challenges()
    await layer.under.deliver(off_target(scope="service:s1"))
    assert [(one.scope, one.service_id) for one in await layer.challenges()] == [("service:s1", "s1"), ("city", "")]
    await close(layer, first.challenge_id)
    await layer.under.deliver(off_target(value="37"))
    assert len(await layer.challenges(open_only=True)) == 1
    await layer.under.deliver(off_target("2026-05-06"))
    assert [one.period for one in await layer.challenges(open_only=True)] == ["2026-05-06", "2026-05-04"]
    assert len(await layer.under.published()) == 3


async def test_what_a_single_thing_measures_opens_none(layer: Layer) -> None:
    await layer.under.deliver(off_target(scope="thing:sensor-1"))
    assert await layer.challenges() == []
    await layer.under.deliver(off_target())
    assert len(await layer.challenges()) == 1


async def test_the_database_itself_refuses_a_second_open_challenge(layer: Layer) -> None:
    await layer.under.deliver(off_target())
    copied = "insert into challenge select (jsonb_populate_record(c, jsonb_build_object('challenge_id', 'x', 'period', $1::text))).* from challenge c"
    for period in ("2026-05-04", "2026-05-05"):
        with pytest.raises(asyncpg.UniqueViolationError):
            await layer.value(copied, period)


async def test_a_badly_rated_service_opens_one_challenge_a_month(layer: Layer) -> None:
    await layer.under.deliver(feedback(2), feedback(2))
    assert await layer.challenges() == []
    await layer.under.deliver(feedback(3))
    (challenge,) = await layer.challenges()
    assert (challenge.source, challenge.service_id, challenge.period) == (pb.CHALLENGE_SOURCE_RATING, "service-1", "2026-05")
    assert "3 ratings gave it 2.3 of 5 stars" in challenge.description
    await layer.under.deliver(feedback(1))
    await close(layer, challenge.challenge_id)
    await layer.under.deliver(feedback(1))
    assert len(await layer.challenges()) == 1
    june = datetime(2026, 5, 31, 22, tzinfo=UTC)
    await layer.under.deliver(*(feedback(1, at=june) for _ in range(3)))
    assert [one.period for one in await layer.challenges()] == ["2026-06", "2026-05"]
    assert len(await layer.challenges(sources=[pb.CHALLENGE_SOURCE_RATING], service_id="service-1")) == 2
    assert await layer.challenges(sources=[pb.CHALLENGE_SOURCE_OFFICER]) == []


async def test_who_changes_their_mind_counts_once_and_other_services_do_not_count(layer: Layer) -> None:
    await layer.under.deliver(*(feedback(1, "ada") for _ in range(5)), feedback(1, service_id="service-2"), feedback(5, "ben"), feedback(5, "cem"))
    assert await layer.challenges() == []
    assert await layer.value("select (ratings, stars)::text from score where service_id = 'service-1'") == "(3,11)"
    await layer.under.deliver(feedback(1, "ben", at=MAY.replace(month=6)))
    assert await layer.value("select string_agg((period, ratings, stars)::text, ' ' order by period) from score where service_id = 'service-1'") == (
        "(2026-05,2,6) (2026-06,1,1)"
    )
    await layer.under.deliver(feedback(1, "cem"), feedback(1, "dan"))
    assert len(await layer.challenges()) == 1


async def test_good_ratings_open_nothing(layer: Layer) -> None:
    await layer.under.deliver(*(feedback(stars) for stars in (2, 3, 3)))
    assert await layer.challenges() == []
    assert await layer.under.published() == []


@pytest.mark.parametrize(("value", "period"), [("NaN", "2026-05-04"), ("1e3", "2026-05-04"), ("", "2026-05-04"), ("1", "yesterday"), ("1", "2026-13")])
async def test_what_can_never_be_evidence_is_a_dead_letter(layer: Layer, value: str, period: str) -> None:
    with pytest.raises(Permanent):
        await layer.under.deliver(a_measurement(value, period))


async def test_who_is_suspended_leads_nothing_until_accepted_again(layer: Layer) -> None:
    await layer.creators()
    await layer.under.deliver(ValueCreatorSuspended(creator_id=LANTERN, reason="late"), ValueCreatorSuspended(creator_id="never-heard-of"))
    for creator in (LANTERN, "never-heard-of"):
        with pytest.raises(errors.LeadNotFound):
            await layer.shortlisted(lead=creator)
    await layer.creators()
    assert await layer.shortlisted()
