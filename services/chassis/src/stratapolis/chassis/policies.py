"""Cedar in process, on the policy set that is in force. What no policy permits is denied.

For each call the chassis asks: `Caller::"<kind>"` (attributes kind, roles, creator_roles, member; parents `Role::"officer"` for each
role) wants `Action::"<layer>.<Rpc>"` (parents `Action::"<layer>"` and `Action::"read"` or `Action::"write"`) on `Layer::"<layer>"`.
Layers ask finer questions with `decide` on entities they supply.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import cedarpy
import structlog
from city.policy.v1.policies_pb2 import PolicyActivated
from stratapolis.chassis.errors import Kind, Refused
from stratapolis.chassis.identity import Caller

log = structlog.get_logger(__name__)
NAME = "city"
REMEMBERED = 10_000


class DeniedByPolicy(Refused):
    """No policy permits it, or one forbids it."""

    reason = "DENIED_BY_POLICY"
    kind = Kind.DENIED


class NoPolicy(Refused):
    """No policy set is in force, so nothing is permitted."""

    reason = "NO_POLICY"
    kind = Kind.DENIED


@dataclass(frozen=True, slots=True)
class Entity:
    """A Cedar entity: `type::"id"`."""

    type: str
    id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    parents: tuple[Entity, ...] = ()

    @property
    def uid(self) -> dict[str, str]:
        return {"type": self.type, "id": self.id}

    def described(self) -> Iterator[dict[str, Any]]:
        """Itself and its parents, as Cedar's JSON entities."""
        yield {"uid": self.uid, "attrs": dict(self.attributes), "parents": [p.uid for p in self.parents]}
        for parent in self.parents:
            yield from parent.described()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """May it, because of which policies (their @id, else their place), in which version of the set. `reasons` are Cedar's own errors."""

    allowed: bool
    policy_ids: tuple[str, ...]
    version: int
    reasons: tuple[str, ...] = ()

    @property
    def policy_id(self) -> str:
        """The deciding policies as one text; empty where none spoke."""
        return ",".join(self.policy_ids)

    def require(self) -> None:
        """Raise DeniedByPolicy, or NoPolicy, unless allowed."""
        if self.version == 0:
            raise NoPolicy("no policy set is in force yet")
        if not self.allowed:
            otherwise = "a policy could not be evaluated" if self.reasons else "no policy permits it"
            because = f"policy {self.policy_id} forbids it" if self.policy_ids else otherwise
            raise DeniedByPolicy(because, policy=self.policy_id, version=str(self.version))


class Policies:
    """The policy set in force. `source` gives the newest PolicyActivated named `city`, or None before the first."""

    def __init__(self, source: Callable[[], PolicyActivated | None]) -> None:
        self._source = source
        self._active: PolicyActivated | None = None
        self._parsed: cedarpy.PolicySet | None = None
        self._remembered: dict[tuple[object, ...], Decision] = {}

    @property
    def version(self) -> int:
        """The version in force; 0: none, or one that cannot be read."""
        self._refresh()
        return self._active.version if self._active is not None and self._parsed is not None else 0

    def decide(self, principal: Entity, action: Entity, resource: Entity, context: Mapping[str, Any] | None = None) -> Decision:
        """May the principal do the action to the resource, on what these entities say."""
        version = self.version
        if self._parsed is None or version == 0:
            return Decision(allowed=False, policy_ids=(), version=0, reasons=("no policy set is in force",))
        request = {"principal": principal.uid, "action": action.uid, "resource": resource.uid, "context": dict(context or {})}
        entities = {(e["uid"]["type"], e["uid"]["id"]): e for entity in (principal, action, resource) for e in entity.described()}
        said = cedarpy.is_authorized(request, self._parsed, list(entities.values()))
        names = said.diagnostics.id_annotations_by_reason
        ids = tuple(names.get(reason) or reason for reason in said.diagnostics.reasons)
        # Cedar leaves out a policy that it cannot evaluate, a forbid as well: an answer with errors is no yes.
        errors = tuple(map(str, said.diagnostics.errors))
        if errors:
            return Decision(allowed=False, policy_ids=(), version=version, reasons=errors)
        return Decision(allowed=said.allowed, policy_ids=ids, version=version)

    def may_call(self, caller: Caller, layer: str, rpc: str, *, writes: bool) -> Decision:
        """May such a caller use the RPC at all; remembered for callers alike, until another version is in force."""
        asked = (self.version, caller.kind, caller.roles, caller.creator_roles, bool(caller.creator), layer, rpc)
        if (known := self._remembered.get(asked)) is None:
            if len(self._remembered) >= REMEMBERED:
                self._remembered.clear()
            known = self.decide(calling(caller), use_of(layer, rpc, writes=writes), Entity("Layer", layer))
            self._remembered[asked] = known
        return known

    def _refresh(self) -> None:
        """Parse a set once, when it is new. One that cannot be read permits nothing: policy tests a set before it activates it."""
        newest = self._source()
        if newest is self._active:
            return
        self._active, self._parsed = newest, None
        self._remembered.clear()
        if newest is not None:
            try:
                self._parsed = cedarpy.PolicySet.from_str(newest.cedar)
            except ValueError as error:
                log.error("policies_unreadable", version=newest.version, error=str(error))  # noqa: TRY400 - the text says where; a trace says nothing


def calling(caller: Caller) -> Entity:
    """The principal of a call: what callers of its kind and roles have in common, no person in particular."""
    attributes = {"kind": caller.kind, "roles": sorted(caller.roles), "creator_roles": sorted(caller.creator_roles), "member": bool(caller.creator)}
    return Entity("Caller", caller.kind, attributes, tuple(Entity("Role", role) for role in sorted(caller.roles)))


def use_of(layer: str, rpc: str, *, writes: bool) -> Entity:
    """The action of a call."""
    return Entity("Action", f"{layer}.{rpc}", {}, (Entity("Action", layer), Entity("Action", "write" if writes else "read")))
