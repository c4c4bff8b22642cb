"""Who is let in, and to whose rows. One order, written once: identity, access option, Cedar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from city.options.v1.options_pb2 import CALLER_AUTHENTICATED, CALLER_LAYER, CALLER_OWNER, CALLER_PUBLIC, CALLER_ROLE
from stratapolis.chassis.denials import Denials
from stratapolis.chassis.errors import Kind, Refused
from stratapolis.chassis.identity import NOBODY, Caller, CallerNotAllowed, IssuerAway, NoToken, NotOnBehalf, TokenInvalid
from stratapolis.chassis.policies import Policies
from stratapolis.chassis.tokens import Claims, Verifier

BEARER = "bearer "
ON_BEHALF = "x-on-behalf-of"
Metadata = dict[str, str]


class Entrance(Protocol):
    """What is entered: an RPC, or an HTTP route. `name` is its action in policies, `full_name` how the audit trail has it."""

    @property
    def name(self) -> str: ...
    @property
    def full_name(self) -> str: ...
    @property
    def allow(self) -> frozenset[int]: ...
    @property
    def roles(self) -> frozenset[str]: ...
    @property
    def unpoliced(self) -> bool: ...
    @property
    def reads(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Admitted:
    """A caller let in. `tokens` are the claims it came with, to be looked at again while a stream is open."""

    caller: Caller
    owners: tuple[str, ...] | None
    tokens: tuple[Claims, ...]


class Gate:
    """Lets callers in to the RPCs and routes of one app."""

    def __init__(self, app: str, verifier: Verifier, policies: Policies, denials: Denials | None = None) -> None:
        self._app, self._verifier, self._policies = app, verifier, policies
        self.denials = denials or Denials(app)

    async def admit(self, method: Entrance, metadata: Metadata) -> Admitted:
        """The caller and whose rows it may touch; raises why it is not let in, and has counted that."""
        if CALLER_PUBLIC in method.allow:
            return await self._whoever(metadata)
        with self.denials.noting(method.full_name):
            own, tokens = await self._identify(metadata)
        caller = tokens[-1].caller
        with self.denials.noting(method.full_name, caller.subject):
            owners = _owners(method, own, caller)
            if not method.unpoliced and caller.kind != "layer":
                self._policies.may_call(caller, self._app, method.name, writes=not method.reads).require()
        return Admitted(caller, owners, tokens)

    def still_good(self, admitted: Admitted) -> None:
        """Raise if one of the tokens was revoked since. A stream may outlive the token it began with: its own age ends it."""
        for claims in admitted.tokens:
            self._verifier.not_revoked(claims)

    async def _whoever(self, metadata: Metadata) -> Admitted:
        """Where all may come, a token that does not count is as good as none."""
        try:
            _, tokens = await self._identify(metadata)
        except Refused as refused:
            if refused.kind is Kind.UNAUTHENTICATED or isinstance(refused, IssuerAway):
                return Admitted(NOBODY, (), ())
            raise
        return Admitted(tokens[-1].caller, tokens[-1].caller.owners, tokens)

    async def _identify(self, metadata: Metadata) -> tuple[Caller, tuple[Claims, ...]]:
        """Who holds the connection's token and, last of the claims, who acts."""
        given = metadata.get("authorization", "")
        if not given:
            raise NoToken("send a token: `authorization: Bearer ...`")
        if not given.lower().startswith(BEARER):
            raise TokenInvalid("`authorization` is `Bearer ` and a token")
        claims = await self._verifier.verify(given[len(BEARER) :].strip())
        if (user := metadata.get(ON_BEHALF)) is None:
            return claims.caller, (claims,)
        if claims.caller.kind != "layer":
            raise NotOnBehalf("only a layer calls on behalf of another")
        behind = await self._verifier.on_behalf(claims, user)
        return claims.caller, (claims, behind)


def _owners(method: Entrance, own: Caller, caller: Caller) -> tuple[str, ...] | None:
    """The widest way in that fits; one who acts through a layer comes in by what is his before the layer's own right counts."""
    if CALLER_ROLE in method.allow and caller.roles & method.roles:
        return None
    if CALLER_LAYER in method.allow and caller.kind == "layer":
        return None
    if CALLER_OWNER in method.allow and (caller.kind == "person" or caller.creator):
        return caller.owners
    if CALLER_AUTHENTICATED in method.allow:
        return caller.owners
    if CALLER_LAYER in method.allow and own.kind == "layer":
        return None
    raise CallerNotAllowed("this RPC is for other callers")
