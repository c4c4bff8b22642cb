"""Public keys as they are handed in: read once, known by their thumbprint."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, load_pem_private_key, load_pem_public_key
from stratapolis.connectivity.domain import errors

SUFFIX = ".pub.pem"


def read_public(pem: str) -> Ed25519PublicKey:
    """An Ed25519 public key from PEM; refused where it is anything else."""
    try:
        key = load_pem_public_key(pem.encode("ascii"))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise errors.KeyNotUsable from error
    if not isinstance(key, Ed25519PublicKey):
        raise errors.KeyNotUsable
    return key


def read_private(pem: str) -> Ed25519PrivateKey:
    """A private key of the issuer, as it stands in its table."""
    key = load_pem_private_key(pem.encode("ascii"), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError("the issuer signs with Ed25519 keys")
    return key


def public_pem(key: Ed25519PublicKey) -> str:
    """PEM, SubjectPublicKeyInfo."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def private_pem(key: Ed25519PrivateKey) -> str:
    """PEM, PKCS 8, not encrypted: what keeps it is the database's role."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def thumbprint(key: Ed25519PublicKey) -> str:
    """The JWK thumbprint (RFC 7638, with RFC 8037 for Ed25519), 43 characters."""
    x = base64.urlsafe_b64encode(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).rstrip(b"=").decode("ascii")
    canonical = f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'
    return base64.urlsafe_b64encode(hashlib.sha256(canonical.encode("ascii")).digest()).rstrip(b"=").decode("ascii")


def read_folder(folder: Path) -> dict[str, Ed25519PublicKey]:
    """The keys of the layers and of the founder, by name: `<name>.pub.pem`."""
    return {path.name.removesuffix(SUFFIX): read_public(path.read_text("ascii")) for path in sorted(folder.glob(f"*{SUFFIX}"))}
