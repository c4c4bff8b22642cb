"""Cedar decides on the set in force; what nobody permits is denied, and the decision names its policy and version."""

from __future__ import annotations

import pytest
from city.policy.v1.policies_pb2 import PolicyActivated
from stratapolis.chassis.identity import Caller
from stratapolis.chassis.policies import Decision, DeniedByPolicy, Entity, NoPolicy, Policies

CEDAR = """
@id("members-propose") permit(principal, action == Action::"governance.ProposeService", resource) when { principal.member };
@id("officers") permit(principal in Role::"officer", action in Action::"governance", resource == Layer::"governance");
@id("no-things") forbid(principal, action in Action::"write", resource) when { principal.kind == "thing" };
permit(principal == Caller::"system", action in Action::"read", resource);
"""


class Active:
    """The newest set."""

    def __init__(self, cedar: str | None) -> None:
        self.newest = None if cedar is None else PolicyActivated(name="city", version=3, cedar=cedar)
        self.policies = Policies(lambda: self.newest)

    def call(self, rpc: str = "ProposeService", *, layer: str = "governance", writes: bool = True, **who: object) -> tuple[bool, tuple[str, ...], int]:
        caller = Caller(**({"subject": "s", "kind": "person"} | who))  # type: ignore[arg-type]
        said = self.policies.may_call(caller, layer, rpc, writes=writes)
        return said.allowed, said.policy_ids, said.version


def test_the_deciding_policies_are_named() -> None:
    active, officer = Active(CEDAR), frozenset({"officer"})
    assert active.call(creator="acme") == (True, ("members-propose",), 3)
    assert active.call("DecideProposal", roles=officer) == (True, ("officers",), 3)
    assert active.call(kind="thing", creator="acme") == (False, ("no-things",), 3)
    assert active.call("GetX", kind="system", writes=False) == (True, ("policy3",), 3)


def test_what_nobody_permits_is_denied() -> None:
    active = Active(CEDAR)
    assert active.call() == (False, (), 3)
    assert active.call("DecideProposal", layer="policy", roles=frozenset({"officer"})) == (False, (), 3)


def test_callers_who_differ_are_never_taken_for_each_other() -> None:
    active = Active(CEDAR)
    assert active.call(creator="acme")[0]
    assert not active.call()[0]
    assert active.call("DecideProposal", roles=frozenset({"officer"}))[0]
    assert not active.call("DecideProposal", roles=frozenset({"operator"}))[0]


@pytest.mark.parametrize("cedar", [None, "permit(principal, action"])
def test_without_a_set_that_can_be_read_everything_is_denied(cedar: str | None) -> None:
    active = Active(cedar)
    assert active.call(creator="acme", roles=frozenset({"officer"})) == (False, (), 0)
    with pytest.raises(NoPolicy):
        active.policies.may_call(Caller(subject="s", kind="person"), "governance", "ProposeService", writes=True).require()


def test_a_new_version_counts_at_once() -> None:
    active = Active(CEDAR)
    assert active.call(creator="acme")[0]
    active.newest = PolicyActivated(name="city", version=4, cedar='@id("closed") forbid(principal, action, resource);')
    assert active.call(creator="acme") == (False, ("closed",), 4)


def test_a_layer_asks_about_entities_of_its_own() -> None:
    policies = Active('@id("small") permit(principal, action == Action::"fund", resource) when { resource.amount < context.limit };').policies

    def ask(amount: int) -> Decision:
        return policies.decide(Entity("Caller", "x"), Entity("Action", "fund"), Entity("Source", "s", {"amount": amount}), {"limit": 10})

    assert ask(9).allowed
    assert not ask(10).allowed
    with pytest.raises(DeniedByPolicy):
        ask(10).require()


def test_an_error_in_a_policy_denies_and_is_told() -> None:
    said = Active("permit(principal, action, resource) when { principal.nothing };").policies.decide(Entity("A", "a"), Entity("Action", "b"), Entity("C", "c"))
    assert not said.allowed
    assert said.reasons


def test_a_forbid_that_cannot_be_evaluated_denies() -> None:
    broken = CEDAR + '@id("broken") forbid(principal, action, resource) when { principal.nowhere };'
    active = Active(broken)
    caller = Caller(subject="s", kind="person", creator="c")
    assert Active(CEDAR).policies.may_call(caller, "governance", "ProposeService", writes=True).allowed
    said = active.policies.may_call(caller, "governance", "ProposeService", writes=True)
    assert not said.allowed
    with pytest.raises(DeniedByPolicy, match="could not be evaluated"):
        said.require()
