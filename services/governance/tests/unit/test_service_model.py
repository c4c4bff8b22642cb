"""A service in all its versions, against proposals, ends, suspensions and retirements in any order, upgrade and retirement crossing."""

from dataclasses import replace

import pytest
from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from stratapolis.governance.domain.errors import ServiceNotInState, SuspendedByCity
from stratapolis.governance.domain.journey import Journey, Moved, expire, propose, retire, withdraw
from stratapolis.governance.domain.service import SERVING, Service, ServiceState, begin_retiring, end_retiring, go_live, next_version, resume, suspend
from stratapolis.governance.domain.step import Kind, Replaced, State

from services.governance.tests.unit.builders import COURSE, NOW, a_proposal, all_clear


class Services(RuleBasedStateMachine):
    """One service, its journeys one after the other, and a model of which version people are served by."""

    @initialize()
    def begin(self) -> None:
        self.service = Service(service_id="service-1", creator_id="creator-1", name="rowing-lessons")
        self.open: Journey | None = None
        self.ended: list[Journey] = []
        self.lives: list[int] = []

    def keep(self, moved: Moved) -> None:
        """What governance does with a journey that moved: an end may change the service."""
        journey, _ = moved
        self.open = journey
        if not journey.ended:
            return
        self.open = None
        self.ended.append(journey)
        if journey.state is State.LIVE:
            self.service = go_live(self.service, journey.version, journey.journey_id)
            self.lives.append(journey.version)
        elif journey.state is State.RETIRED:
            self.service = end_retiring(self.service)

    @precondition(lambda self: self.open is None)
    @rule()
    def it_is_proposed(self) -> None:
        self.service = next_version(self.service)
        kind = Kind.LAUNCH if self.service.live is None else Kind.UPGRADE
        version, live = self.service.last_version, self.service.live
        new = replace(a_proposal(), journey_id=f"journey-{len(self.ended)}", version=version, kind=kind, replaces=live)
        self.keep(propose(new, (), COURSE, at=NOW))

    @precondition(lambda self: self.open is not None)
    @rule()
    def layers_clear(self) -> None:
        assert self.open is not None
        self.keep(
            all_clear(
                self.open,
            )
        )

    @precondition(lambda self: self.open is not None and self.open.kind is not Kind.RETIREMENT)
    @rule(refuse=strategies.booleans())
    def it_fails_or_is_withdrawn(self, refuse: bool) -> None:
        before = self.service
        assert self.open is not None
        if refuse:
            self.keep(expire(self.open, at=self.open.until or NOW))
        else:
            self.keep(withdraw(self.open, reason="", actor="founder-1", at=NOW))
        assert self.service == before

    @rule(by_city=strategies.booleans())
    def it_is_suspended(self, by_city: bool) -> None:
        before = self.service
        try:
            self.service = suspend(before, "the boats leak", by_city=by_city, at=NOW)
        except ServiceNotInState:
            held_by_owner = before.state is ServiceState.SUSPENDED and before.suspension is not None and not before.suspension.by_city
            assert before.state is not ServiceState.LIVE and not (by_city and held_by_owner)

    @rule(by_city=strategies.booleans())
    def it_is_resumed(self, by_city: bool) -> None:
        before = self.service
        try:
            self.service = resume(before, by_city=by_city)
        except ServiceNotInState:
            assert before.state is not ServiceState.SUSPENDED
        except SuspendedByCity:
            assert before.suspension is not None and before.suspension.by_city and not by_city
        else:
            assert before.state is ServiceState.SUSPENDED and self.service.state is ServiceState.LIVE

    @rule()
    def it_is_retired(self) -> None:
        """An open upgrade is withdrawn first, as RetireService does."""
        try:
            leaving, live = begin_retiring(self.service)
        except ServiceNotInState:
            assert self.service.state not in SERVING
            return
        if self.open is not None:
            self.keep(withdraw(self.open, reason="the service is retired", actor="founder-1", at=NOW))
        self.service = leaving
        new = replace(a_proposal(), journey_id=f"journey-{len(self.ended)}", version=live.version, kind=Kind.RETIREMENT, replaces=live)
        self.keep(retire(new, COURSE, reason="nobody comes", actor="founder-1", at=NOW))

    @invariant()
    def the_version_that_serves_is_the_last_that_went_live_and_was_not_retired(self) -> None:
        has_live = self.service.live is not None
        assert has_live == (self.service.state in (*SERVING, ServiceState.RETIRING))
        if self.service.live is not None:
            assert self.service.live.version == self.lives[-1]
            assert self.service.live.journey_id in {journey.journey_id for journey in self.ended if journey.state is State.LIVE}

    @invariant()
    def versions_only_rise_and_each_live_one_replaced_the_one_before(self) -> None:
        assert self.lives == sorted(set(self.lives))
        live = [journey for journey in self.ended if journey.state is State.LIVE]
        for journey in live:
            assert (journey.replaces is not None) == (journey.kind is Kind.UPGRADE)
            if journey.replaces is not None:
                earlier = [other for other in live if other.version < journey.version]
                assert journey.replaces == Replaced(version=earlier[-1].version, journey_id=earlier[-1].journey_id)

    @invariant()
    def what_is_retiring_has_its_retirement_under_way(self) -> None:
        is_leaving = self.open is not None and self.open.kind is Kind.RETIREMENT
        assert is_leaving == (self.service.state is ServiceState.RETIRING)

    @invariant()
    def what_is_suspended_says_why(self) -> None:
        assert (self.service.suspension is not None) == (self.service.state is ServiceState.SUSPENDED)


Services.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestServices = Services.TestCase


def a_live_service() -> Service:
    return go_live(Service(service_id="service-1", creator_id="creator-1", name="rowing-lessons", last_version=1), 1, "journey-1")


def test_what_the_city_has_suspended_its_value_creator_does_not_resume() -> None:
    stopped = suspend(a_live_service(), "the boats leak", by_city=True, at=NOW)
    with pytest.raises(SuspendedByCity):
        resume(stopped, by_city=False)
    assert resume(stopped, by_city=True).state is ServiceState.LIVE


def test_the_city_takes_over_a_suspension_and_never_the_other_way_round() -> None:
    by_owner = suspend(a_live_service(), "we paint the boats", by_city=False, at=NOW)
    by_city = suspend(by_owner, "the boats leak", by_city=True, at=NOW)
    assert by_city.suspension is not None and by_city.suspension.by_city
    with pytest.raises(ServiceNotInState):
        suspend(by_city, "we paint the boats", by_city=False, at=NOW)


def test_a_version_that_goes_live_does_not_lift_a_suspension() -> None:
    stopped = suspend(a_live_service(), "the boats leak", by_city=True, at=NOW)
    upgraded = go_live(stopped, 2, "journey-2")
    assert (upgraded.state, upgraded.live) == (ServiceState.SUSPENDED, Replaced(version=2, journey_id="journey-2"))


def test_what_never_was_live_cannot_be_retired() -> None:
    with pytest.raises(ServiceNotInState):
        begin_retiring(Service(service_id="service-1", creator_id="creator-1", name="rowing-lessons"))
