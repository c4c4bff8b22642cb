"""A token counts when the issuer signed it, for this app, now, and nobody revoked it; nothing else does."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from city.connectivity.v1.revocations_pb2 import Revoked
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from stratapolis.chassis.errors import Refused
from stratapolis.chassis.identity import Caller, FeedSilent, TokenExpired, TokenInvalid, TokenRevoked
from stratapolis.chassis.revocations import FollowedRevocations
from stratapolis.chassis.times import to_timestamp
from stratapolis.chassis.tokens import Claims, FixedKeys, Verifier, mint

NOW = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
KEY = Ed25519PrivateKey.generate()


class Feed:
    """A follower at rest."""

    def __init__(self) -> None:
        self.newest: dict[str, Any] = {}
        self.silence = 0.0

    def silent_for(self) -> float:
        return self.silence


class Issuer:
    """A verifier of governance's, its clock and its feed."""

    def __init__(self) -> None:
        self.now, self.feed = NOW, Feed()
        self.verifier = Verifier(FixedKeys({"k1": KEY.public_key()}), "governance", FollowedRevocations(self.feed), clock=lambda: self.now)  # type: ignore[arg-type]


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


def claims(*, subject: str = "person:1", kind: str = "person", audience: str = "governance", roles: tuple[str, ...] = (), at: datetime = NOW) -> Claims:
    caller = Caller(subject=subject, kind=kind, creator="acme", roles=frozenset(roles), creator_roles=frozenset({"admin"}))  # type: ignore[arg-type]
    return Claims(caller=caller, audience=audience, jti="j-1", issued_at=at, expires_at=at + timedelta(minutes=15))


def payload(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = jwt.decode(mint(claims(), KEY, "k1"), options={"verify_signature": False})
    return _left(made | changes)


def _left(given: dict[str, Any]) -> dict[str, Any]:
    """Without what a test takes away by `...`."""
    return {name: value for name, value in given.items() if value is not ...}


def signed(body: dict[str, Any], **header: Any) -> str:
    return jwt.encode(body, KEY, algorithm="EdDSA", headers=_left({"kid": "k1", "typ": "at+jwt"} | header))


async def test_what_was_minted_is_what_is_verified(issuer: Issuer) -> None:
    made = claims(roles=("officer",))
    for _ in range(2):  # the second time from what is kept
        assert await issuer.verifier.verify(mint(made, KEY, "k1")) == made


def _unsigned(header: dict[str, Any]) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, payload())]
    return ".".join([*parts, ""])


def _with_public_key_as_secret() -> str:
    secret = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return jwt.encode(payload(), secret, algorithm="HS256", headers={"kid": "k1", "typ": "at+jwt"})


FORGED: dict[str, Callable[[], str]] = {
    "empty": lambda: "",
    "no token at all": lambda: "a.b.c",
    "not ASCII": lambda: "tökén",
    "alg none": lambda: _unsigned({"alg": "none", "typ": "at+jwt", "kid": "k1"}),
    "alg none, claimed EdDSA": lambda: _unsigned({"alg": "EdDSA", "typ": "at+jwt", "kid": "k1"}),
    "HS256 with the public key": _with_public_key_as_secret,
    "another's signature": lambda: mint(claims(), Ed25519PrivateKey.generate(), "k1"),
    "a cut signature": lambda: mint(claims(), KEY, "k1")[:-4],
    "an unknown kid": lambda: mint(claims(), KEY, "k2"),
    "no kid": lambda: signed(payload(), kid=...),
    "typ JWT": lambda: signed(payload(), typ="JWT"),
    "another audience": lambda: mint(claims(audience="policy"), KEY, "k1"),
    "several audiences": lambda: signed(payload(aud=["governance", "policy"])),
    "no exp": lambda: signed(payload(exp=...)),
    "no iat": lambda: signed(payload(iat=...)),
    "no sub": lambda: signed(payload(sub=...)),
    "no jti": lambda: signed(payload(jti=...)),
    "no aud": lambda: signed(payload(aud=...)),
    "no kind": lambda: signed(payload(kind=...)),
    "kind nobody": lambda: signed(payload(kind="nobody")),
    "sub empty": lambda: signed(payload(sub="")),
    "roles a text": lambda: signed(payload(roles="officer")),
    "exp no number": lambda: signed(payload(exp="soon")),
    "exp beyond all calendars": lambda: signed(payload(exp=10**20)),
    "from the future": lambda: mint(claims(at=NOW + timedelta(minutes=1)), KEY, "k1"),
    "too long": lambda: signed(payload(creator="x" * 9000)),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
async def test_a_forged_token_is_refused(issuer: Issuer, forge: Callable[[], str]) -> None:
    with pytest.raises(TokenInvalid) as refused:
        await issuer.verifier.verify(forge())
    assert refused.value.reason == "TOKEN_INVALID"


async def test_a_token_expires_even_when_it_was_kept(issuer: Issuer) -> None:
    token = mint(claims(), KEY, "k1")
    issuer.now = NOW + timedelta(minutes=15) - timedelta(microseconds=1)
    await issuer.verifier.verify(token)
    issuer.now = NOW + timedelta(minutes=15)
    with pytest.raises(TokenExpired):
        await issuer.verifier.verify(token)


def _revoked(**of: Any) -> Revoked:
    return Revoked(subject="person:1", **of)


@pytest.mark.parametrize(
    ("key", "revoked", "counts"),
    [
        ("person:1", _revoked(before_time=to_timestamp(NOW + timedelta(seconds=1))), False),
        ("person:1", _revoked(before_time=to_timestamp(NOW + timedelta(microseconds=1))), False),
        ("person:1", _revoked(before_time=to_timestamp(NOW)), True),
        ("person:1", _revoked(gone=True, before_time=to_timestamp(NOW - timedelta(days=1))), False),
        ("person:2", Revoked(subject="person:2", gone=True), True),
        ("jti:j-1", Revoked(subject="jti:j-1"), False),
        ("jti:j-2", Revoked(subject="jti:j-2"), True),
    ],
)
async def test_a_revocation_is_felt_at_the_next_use(issuer: Issuer, key: str, revoked: Revoked, counts: bool) -> None:
    token = mint(claims(), KEY, "k1")
    await issuer.verifier.verify(token)
    issuer.feed.newest[key] = revoked
    if counts:
        await issuer.verifier.verify(token)
        return
    with pytest.raises(TokenRevoked):
        await issuer.verifier.verify(token)


@pytest.mark.parametrize(("roles", "silence", "refused"), [(("officer",), 31, True), (("operator",), 31, True), (("officer",), 29, False), ((), 9999, False)])
async def test_a_silent_feed_stops_officers_and_operators_only(issuer: Issuer, roles: tuple[str, ...], silence: float, refused: bool) -> None:
    issuer.feed.silence = silence
    token = mint(claims(roles=roles), KEY, "k1")
    if not refused:
        await issuer.verifier.verify(token)
        return
    with pytest.raises(FeedSilent):
        await issuer.verifier.verify(token)


@pytest.mark.parametrize(("audience", "fits"), [("policy", True), ("governance", True), ("data", False)])
async def test_on_behalf_counts_a_token_issued_for_the_layer_that_hands_it_on(issuer: Issuer, audience: str, fits: bool) -> None:
    layer = claims(subject="layer:policy", kind="layer")
    token = mint(claims(audience=audience), KEY, "k1")
    if not fits:
        with pytest.raises(TokenInvalid):
            await issuer.verifier.on_behalf(layer, token)
        return
    behind = await issuer.verifier.on_behalf(layer, token)
    assert (behind.caller.subject, behind.caller.via) == ("person:1", "layer:policy")


async def test_refusals_never_tell_the_token(issuer: Issuer) -> None:
    for forge in FORGED.values():
        token = forge()
        with pytest.raises(Refused) as refused:
            await issuer.verifier.verify(token)
        assert not token or token not in refused.value.message
