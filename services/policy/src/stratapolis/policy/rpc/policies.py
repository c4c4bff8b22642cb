"""The city's policy set: published by one person, put in force by another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from city.policy.v1 import policy_pb2
from city.policy.v1 import policy_service_pb2 as pb
from stratapolis.chassis import outbox
from stratapolis.chassis.errors import InvalidField
from stratapolis.chassis.paging import Page
from stratapolis.chassis.rpc import Call
from stratapolis.policy import actions, explaining
from stratapolis.policy.assessing import InForce
from stratapolis.policy.codec import policies as codec
from stratapolis.policy.domain import policy as domain
from stratapolis.policy.domain.errors import PolicyExampleFailed
from stratapolis.policy.rules import Rules
from stratapolis.policy.store import policies


@dataclass(frozen=True, slots=True)
class Policies:
    """PolicyService."""

    in_force: InForce

    async def found_policy(self, request: pb.FoundPolicyRequest, call: Call) -> pb.FoundPolicyResponse:  # noqa: ARG002 - nothing but its id
        """Publish what ships with the city and put it in force, once."""
        newest, _ = await policies.lock(call.tx)
        policy = domain.found(founding(), newest=newest, founder=call.caller.subject, at=call.at)
        Rules.parse(policy.cedar, version=policy.version)
        await policies.add(call.tx, policy)
        await outbox.append(call.tx, codec.activated(policy))
        return pb.FoundPolicyResponse(policy=codec.shown(policy))

    async def publish_policy(self, request: pb.PublishPolicyRequest, call: Call) -> pb.PublishPolicyResponse:
        """Check a set, on its examples too, and keep it as the next version."""
        newest, _ = await policies.lock(call.tx)
        policy = domain.publish(request.cedar, note=request.note, newest=newest, publisher=call.caller.subject, at=call.at)
        _try(Rules.parse(policy.cedar, version=policy.version), request.examples)
        await policies.add(call.tx, policy)
        return pb.PublishPolicyResponse(policy=codec.shown(policy))

    async def activate_policy(self, request: pb.ActivatePolicyRequest, call: Call) -> pb.ActivatePolicyResponse:
        """Put a version in force in every process."""
        _, active = await policies.lock(call.tx)
        policy = domain.activate(await policies.get(call.tx, request.version), active=active, activator=call.caller.subject, at=call.at)
        await policies.put_in_force(call.tx, policy)
        await outbox.append(call.tx, codec.activated(policy))
        return pb.ActivatePolicyResponse(policy=codec.shown(policy))

    async def get_policy(self, request: pb.GetPolicyRequest, call: Call) -> pb.GetPolicyResponse:
        """A version with its text."""
        return pb.GetPolicyResponse(policy=codec.shown(await policies.get(call.tx, request.version)))

    async def list_policies(self, request: pb.ListPoliciesRequest, call: Call) -> pb.ListPoliciesResponse:
        """A page of versions."""
        page = Page.of(request, int)
        found = await policies.listed(call.tx, after=page.after[0] if page.after else None, limit=page.size + 1)
        fitting, token = page.fit(found, lambda policy: codec.shown(policy, text=False), lambda policy: (policy.version,))
        return pb.ListPoliciesResponse(policies=fitting, next_page_token=token)

    async def authorize(self, request: pb.AuthorizeRequest, call: Call) -> pb.AuthorizeResponse:
        """What the set in force decides."""
        _must_be_known(request.layer, request.rpc, "rpc")
        rules = await self.in_force.rules(call.tx)
        decision = rules.decide(codec.caller(request.principal), request.layer, request.rpc)
        return pb.AuthorizeResponse(allowed=decision.allowed, policy_ids=sorted(decision.policy_ids), version=decision.version)

    async def explain_decision(self, request: pb.ExplainDecisionRequest, call: Call) -> pb.ExplainDecisionResponse:
        """What a version of the set decides, and every rule that speaks of the call."""
        _must_be_known(request.layer, request.rpc, "rpc")
        policy = await policies.get(call.tx, request.version)
        decision = Rules.published(policy.cedar, version=policy.version).decide(codec.caller(request.principal), request.layer, request.rpc)
        return pb.ExplainDecisionResponse(
            allowed=decision.allowed,
            version=policy.version,
            admits=explaining.admitted(request.layer, request.rpc),
            rules=[
                policy_pb2.ExplainedRule(policy_id=rule.policy_id, effect=rule.effect, applied=rule.policy_id in decision.policy_ids, cedar=rule.cedar)
                for rule in explaining.speaking_of(policy.cedar, request.layer, request.rpc)
            ],
            faults=decision.reasons,
        )


def founding() -> str:
    """The text of the founding set."""
    return files("stratapolis.policy").joinpath("founding.cedar").read_text(encoding="utf-8")


def _try(rules: Rules, examples: Sequence[policy_pb2.Example]) -> None:
    """Raise PolicyExampleFailed, naming every example that is decided otherwise than expected."""
    failed = []
    for index, example in enumerate(examples):
        _must_be_known(example.layer, example.rpc, f"examples[{index}].rpc")
        decision = rules.decide(codec.caller(example.principal), example.layer, example.rpc)
        if decision.allowed != example.allowed:
            because = ", ".join(sorted(decision.policy_ids)) or "no rule permits it"
            word = "allowed" if decision.allowed else "denied"
            failed.append(f"examples[{index}]: {example.principal.kind} {example.layer}.{example.rpc} is {word} ({because})")
    if failed:
        raise PolicyExampleFailed(*failed)


def _must_be_known(layer: str, rpc: str, field: str) -> None:
    if (layer, rpc) not in actions.writes():
        raise InvalidField(field, f"{layer} has no RPC {rpc}")
