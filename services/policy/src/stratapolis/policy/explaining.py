"""Why a call is allowed or denied: the rules that speak of it, with their texts, whether they applied or not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import cedarpy
from city.options.v1 import options_pb2 as options
from stratapolis.chassis import contract
from stratapolis.policy import actions

RULES = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|;|[^";/]+|/')
"""A set's text in pieces: strings and comments, in which a semicolon ends nothing, and the semicolons that end rules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule as it stands in the set."""

    policy_id: str
    effect: str
    cedar: str


def speaking_of(cedar: str, layer: str, rpc: str) -> tuple[Rule, ...]:
    """The rules of a set whose action is this call or a group it is in, in their order."""
    read: Mapping[str, Any] = json.loads(cedarpy.policies_to_json_str(cedar))["staticPolicies"]
    named = {f"{layer}.{rpc}", layer, actions.WRITE if actions.writes()[layer, rpc] else actions.READ}
    by_place = sorted(read.items(), key=lambda item: int(item[0].removeprefix("policy")))
    found = zip(by_place, _texts(cedar), strict=True)
    return tuple(
        Rule(policy_id=str(policy["annotations"]["id"]), effect=policy["effect"], cedar=text) for (_, policy), text in found if _covers(policy["action"], named)
    )


def admitted(layer: str, rpc: str) -> list[str]:
    """Whom the contract lets in, before the policy is asked; none for the ingress of things, which is a route."""
    for file in contract.files():
        answers = layer in contract.layers() and (file.package in actions.EVERY_LAYER or file.package.split(".")[1] == layer)
        for service in file.services_by_name.values() if answers else ():
            if (method := service.methods_by_name.get(rpc)) is not None:
                access = method.GetOptions().Extensions[options.access]
                ways = [options.Caller.Name(way).removeprefix("CALLER_").lower() for way in access.allow]
                return [f"role {' or '.join(access.roles)}" if way == "role" else way for way in ways]
    return []


def _covers(action: Mapping[str, Any], named: set[str]) -> bool:
    if action["op"] == "All":
        return True
    entities = action.get("entities") or [action["entity"]]
    return any(entity["id"] in named for entity in entities)


def _texts(cedar: str) -> Iterator[str]:
    """Each rule's own text, in the order of the set; comments before it are not part of it."""
    text = ""
    for piece in RULES.findall(cedar):
        text += "" if piece.startswith("//") and not text.strip() else piece
        if piece == ";":
            yield text.strip()
            text = ""
