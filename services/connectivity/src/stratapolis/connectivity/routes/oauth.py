"""OAuth 2: the token endpoint (RFC 6749, clauses 4.4 and 5; RFC 7523; RFC 8707), the key set (RFC 7517), the metadata (RFC 8414)."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from stratapolis.chassis.db import TRANSIENT, Database, Tx
from stratapolis.chassis.http_face import Open, Serves
from stratapolis.chassis.keys import key_set
from stratapolis.connectivity import store
from stratapolis.connectivity.clients import CityFounded, Clients, Unproven
from stratapolis.connectivity.denials import Denials
from stratapolis.connectivity.domain.audit import Entry
from stratapolis.connectivity.domain.connection import LAYERS
from stratapolis.connectivity.domain.identity import State
from stratapolis.connectivity.domain.rate import Limiter
from stratapolis.connectivity.issuer import Issuer
from stratapolis.connectivity.routes.bodies import TooLong, read_body

log = structlog.get_logger(__name__)
LONGEST_FORM = 16_384
TARGETS = f"audience is one of {', '.join(sorted(LAYERS))}, or the id of a service whose software runs"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
NOT_KEPT = {"cache-control": "no-store", "pragma": "no-cache"}


class OAuthError(Exception):
    """An error response as RFC 6749, clause 5.2, has it."""

    def __init__(self, error: str, description: str, *, status: int = 400, retry_after: int = 0) -> None:
        super().__init__(error)
        self.error, self.description, self.status, self.retry_after = error, description, status, retry_after


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A token request, read."""

    assertion: str
    audience: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth:
    """The issuer's HTTP face. `addresses` limits requests before anything is checked, `subjects` tokens of who has proved itself."""

    name: str
    db: Database
    issuer: Issuer
    clients: Clients
    denials: Denials
    addresses: Limiter
    subjects: Limiter

    def routes(self) -> Sequence[Serves]:
        """Open by nature: the token endpoint admits by assertion, the others show what everybody may know."""
        return (
            Open(path="/oauth2/token", work=self.token, methods=("POST",)),
            Open(path="/.well-known/jwks.json", work=self.jwks),
            Open(path="/.well-known/oauth-authorization-server", work=self.metadata),
            Open(path="/.well-known/openid-configuration", work=self.metadata),
        )

    async def token(self, request: Request) -> Response:
        """Give a token to a client that proves itself."""
        try:
            return JSONResponse(await self._token(request), headers=NOT_KEPT)
        except OAuthError as error:
            more = {"retry-after": str(error.retry_after)} if error.retry_after else {}
            return JSONResponse({"error": error.error, "error_description": error.description}, error.status, headers=NOT_KEPT | more)
        except TRANSIENT as error:
            log.warning("no_token_given", error=type(error).__name__)
            body = {"error": "temporarily_unavailable", "error_description": "try again in a moment"}
            return JSONResponse(body, 503, headers=NOT_KEPT | {"retry-after": "1"})

    async def _token(self, request: Request) -> dict[str, object]:
        address = request.client.host if request.client else ""
        _within(self.addresses, address)
        asked = await _read(request)
        try:
            async with self.db.transaction() as tx:
                caller = await self.clients.prove(asked.assertion, tx=tx, at=tx.at)
                _within(self.subjects, caller.subject)
                await _known(asked.audience, tx)
                token, claims = await self.issuer.issue(caller, asked.audience, tx=tx, at=tx.at)
                await store.audit.record(tx, Entry(subject=caller.subject, action="login", object=asked.audience, detail={"jti": claims.jti}))
        except Unproven as error:
            await self._note(error)
            told = "ALREADY_FOUNDED: the city is founded" if isinstance(error, CityFounded) else "the client is not known, or has not proved itself"
            raise OAuthError("invalid_client", told, status=401) from None
        return {"access_token": token, "token_type": "Bearer", "expires_in": int(self.issuer.rhythm.token.total_seconds())}

    async def _note(self, error: Unproven) -> None:
        """A claimed subject is only a claim: the trail names it as what was asked for, not as who asked."""
        await self.denials.denied("", error.subject, "invalid_client", why=error.why)

    async def jwks(self, _: Request) -> Response:
        """The key set, which readers keep for a while."""
        try:
            async with self.db.transaction(readonly=True) as tx:
                shown = key_set(await self.issuer.public_keys(tx))
        except TRANSIENT:
            return JSONResponse({"error": "temporarily_unavailable"}, 503, headers={"retry-after": "1"})
        return JSONResponse(shown, headers={"cache-control": f"public, max-age={int(self.issuer.rhythm.shown.total_seconds())}"})

    async def metadata(self, _: Request) -> Response:
        """What a client needs to know of the issuer."""
        described = {
            "issuer": self.name,
            "token_endpoint": f"{self.name}/oauth2/token",
            "jwks_uri": f"{self.name}/.well-known/jwks.json",
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["EdDSA"],
        }
        return JSONResponse(described, headers={"cache-control": "public, max-age=300"})


async def _known(audience: str, tx: Tx) -> None:
    """Tokens are for layers, and for services whose software runs: a service tells by such a token who calls it."""
    if audience in LAYERS:
        return
    software = await store.identities.find(tx, f"system:{audience}", None)
    if software is None or software.state is not State.ACTIVE:
        raise OAuthError("invalid_target", TARGETS)


async def _read(request: Request) -> Asked:
    """The form; every parameter stands once (RFC 6749, clause 3.2)."""
    try:
        fields = parse_qsl((await read_body(request, LONGEST_FORM)).decode("utf-8"), strict_parsing=True, max_num_fields=20)
    except TooLong:
        raise OAuthError("invalid_request", f"the form has more than {LONGEST_FORM} bytes", status=413) from None
    except (ValueError, ClientDisconnect):
        raise OAuthError("invalid_request", "send a form: application/x-www-form-urlencoded") from None
    form = dict(fields)
    if len(form) < len(fields):
        raise OAuthError("invalid_request", "a parameter stands twice")
    if (grant := form.get("grant_type", "")) != "client_credentials":
        raise OAuthError("unsupported_grant_type" if grant else "invalid_request", "grant_type is client_credentials")
    if form.get("client_assertion_type") != ASSERTION_TYPE or not form.get("client_assertion"):
        raise OAuthError("invalid_client", f"prove yourself: client_assertion_type={ASSERTION_TYPE} and a client_assertion", status=401)
    audience, resource = form.get("audience", ""), form.get("resource", "")
    if (audience and resource and audience != resource) or not (audience or resource):
        raise OAuthError("invalid_target", TARGETS)
    return Asked(assertion=form["client_assertion"], audience=audience or resource)


def _within(limiter: Limiter, name: str) -> None:
    if wait := limiter.wait(name, 1, time.monotonic()):
        raise OAuthError("temporarily_unavailable", "too many requests: wait", status=429, retry_after=math.ceil(wait))
