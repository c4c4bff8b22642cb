"""A policy set, parsed once: what it permits, what it finds against a proposal, what it obliges to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Self

import cedarpy
from city.policy.v1.policies_pb2 import PolicyActivated
from stratapolis.chassis.identity import Caller
from stratapolis.chassis.policies import Decision, Entity, Policies, calling, use_of
from stratapolis.policy import actions
from stratapolis.policy.domain.assessment import Creator, Fact, Finding, Obligation, Ruling
from stratapolis.policy.domain.errors import PolicyNotValid

NOT_PERMITTED = Finding(code="PROPOSAL_NOT_PERMITTED", message="no rule of the city permits this proposal", hint="GetPolicy shows the city's rules")


class Rules:
    """One version of the city's policy set. Whatever cannot be evaluated denies: a rule that fails must not fall silent."""

    def __init__(self, cedar: str, version: int, annotations: Mapping[str, Mapping[str, str]]) -> None:
        in_force = PolicyActivated(name="city", version=version, cedar=cedar)
        self.version = version
        self._annotations = annotations
        self._policies = Policies(lambda: in_force)

    @classmethod
    def published(cls, cedar: str, *, version: int) -> Self:
        """A set that was checked when it was published; what the contract no longer knows permits nothing."""
        return cls(cedar, version, {found["id"]: found for found in _annotations(cedar).values()})

    @classmethod
    def parse(cls, cedar: str, *, version: int) -> Self:
        """Parse and check a set; raises PolicyNotValid with all that is wrong."""
        annotations = _annotations(cedar)
        ids = [found.get("id", "") for found in annotations.values()]
        faults = [f"{ids.count('')} rules have no @id"] if "" in ids else []
        faults += [f"@id {name!r} is given twice" for name in sorted({name for name in ids if name and ids.count(name) > 1})]
        checked = cedarpy.validate_policies(cedar, actions.schema())
        faults += [_named(str(error), annotations) for error in checked.errors]
        if faults or not checked.validation_passed:
            raise PolicyNotValid(*faults)
        return cls(cedar, version, {found["id"]: found for found in annotations.values()})

    def decide(self, caller: Caller, layer: str, rpc: str) -> Decision:
        """May such a caller use this RPC of that layer? The same question, asked by the same code, as every layer asks at each call."""
        asked = use_of(layer, rpc, writes=actions.writes()[layer, rpc])
        return self._policies.decide(calling(caller), asked, Entity("Layer", layer))

    def rule(self, creator: Creator, name: str, facts: Mapping[str, Fact]) -> Ruling:
        """What the set says of a proposal: each `forbid` of Propose that applies is a finding, each `permit` of Oblige an obligation."""
        principal = Entity("Creator", creator.creator_id, {"kind": creator.kind, "suspended": creator.suspended, "competencies": list(creator.competencies)})
        proposed, obliged = (
            self._policies.decide(principal, Entity("Action", action), Entity("Proposal", name), facts) for action in (actions.PROPOSE, actions.OBLIGE)
        )
        findings = [] if proposed.allowed else [self._finding(policy) for policy in sorted(proposed.policy_ids)]
        if proposed.reasons or obliged.reasons or not (findings or proposed.allowed):
            findings.append(NOT_PERMITTED)
        return Ruling(version=self.version, findings=tuple(findings), obligations=self._obligations(obliged) if obliged.allowed else ())

    def _finding(self, policy: str) -> Finding:
        said = self._annotations[policy]
        return Finding(code=policy, field_path=said.get("field", ""), message=said.get("message", policy), hint=said.get("hint", ""))

    def _obligations(self, obliged: Decision) -> tuple[Obligation, ...]:
        """Several rules may oblige to the same: `@obligation` names it, and all their messages are told."""
        messages: dict[str, list[str]] = {}
        for policy in sorted(obliged.policy_ids):
            said = self._annotations[policy]
            messages.setdefault(said.get("obligation", policy), []).append(said.get("message", policy))
        return tuple(Obligation(code=code, message="; ".join(told)) for code, told in sorted(messages.items()))


def _annotations(cedar: str) -> dict[str, dict[str, str]]:
    """Each rule's annotations by Cedar's own name for it; raises PolicyNotValid for what is no Cedar, or has templates."""
    try:
        read: dict[str, Any] = json.loads(cedarpy.policies_to_json_str(cedar))
    except ValueError as error:
        raise PolicyNotValid(str(error)) from error
    if read["templates"]:
        raise PolicyNotValid("a policy set has no templates: write the rule out")
    return {name: {key: value or "" for key, value in (policy.get("annotations") or {}).items()} for name, policy in read["staticPolicies"].items()}


def _named(fault: str, annotations: Mapping[str, Mapping[str, str]]) -> str:
    """Cedar speaks of `policy7`; people know the rule by its @id."""
    for name, said in annotations.items():
        if known := said.get("id"):
            fault = fault.replace(f"[{name}]", f"[{known}]").replace(f"`{name}`", f"`{known}`")
    return fault
