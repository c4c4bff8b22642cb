"""What a policy can speak of: every RPC as an action in the groups that the chassis decides by, and the facts of a proposal.

The words are the chassis's (`stratapolis.chassis.policies`): Caller, Role, Layer, `<layer>.<Rpc>`, `read` and `write`. The schema made
here from the contract is what a policy set is checked against at publication, so a misspelt RPC, group or fact is found there.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from stratapolis.chassis import contract

READ, WRITE = "read", "write"
PROPOSE, OBLIGE = "Propose", "Oblige"
INGRESS = ("connectivity", "Ingress")
"""The one action of things, which is no RPC: sending observations to connectivity's HTTP ingress."""
EVERY_LAYER = frozenset({"city.journey.v1", "city.operations.v1"})
"""Packages whose services every layer may answer."""
_SCHEMA = """
entity Role, Layer, Proposal;
entity Caller in [Role] {{ kind: String, roles: Set<String>, creator_roles: Set<String>, member: Bool }};
entity Creator {{ kind: String, suspended: Bool, competencies: Set<String> }};
type Facts = {{
  has_software: Bool, free: Bool, personal_data: Bool, impact_assessment: Bool,
  accessibility_statement: Bool, wcag_level: Long, languages: Set<String>, offline_channel: Bool,
  category: String, stakeholders: Set<String>, data_products: Set<String>,
  currency: String, partnership: Bool, parties: Set<String>,
  funding_kinds: Set<String>, funding_units: Long, approval_above: Long,
}};
action {groups};
{actions}
action "Propose", "Oblige" appliesTo {{ principal: [Creator], resource: [Proposal], context: Facts }};
"""


@cache
def writes() -> dict[tuple[str, str], bool]:
    """Every (layer, RPC) of the contract, and the ingress: does it write?"""
    return {INGRESS: True, **{(layer, method.name): _writes(method) for layer, method in _rpcs()}}


@cache
def schema() -> str:
    """The Cedar schema of the city."""
    groups = sorted({READ, WRITE, *(layer for layer, _ in writes())})
    applies = "appliesTo { principal: [Caller], resource: [Layer] }"
    actions = [f'action "{layer}.{rpc}" in ["{layer}", "{WRITE if does else READ}"] {applies};' for (layer, rpc), does in sorted(writes().items())]
    return _SCHEMA.format(groups=", ".join(f'"{name}"' for name in groups), actions="\n".join(actions))


def _rpcs() -> Iterator[tuple[str, MethodDescriptor]]:
    for file in contract.files():
        answering = contract.layers() if file.package in EVERY_LAYER else (file.package.split(".")[1],)
        for service in file.services_by_name.values():
            for method in service.methods:
                yield from ((layer, method) for layer in answering)


def _writes(method: MethodDescriptor) -> bool:
    return not method.server_streaming and method.GetOptions().idempotency_level != MethodOptions.NO_SIDE_EFFECTS
