"""Identities and the keys by which they show who they are, kept in a city's folder for their owner's eyes only."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, load_pem_private_key
from stratapolis.cli.local.errors import LocalCityError

OFFICER = "officer"
"""Who is enrolled when the city is founded."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who calls: the subject as connectivity knows it, and the private key (PEM)."""

    name: str
    subject: str
    private_pem: str

    @property
    def key(self) -> Ed25519PrivateKey:
        return private_key(self.private_pem)

    def __repr__(self) -> str:
        return f"Identity({self.name}, {self.subject})"


def new_pem() -> str:
    """A new private key, PEM."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def private_key(pem: str) -> Ed25519PrivateKey:
    """A private key from its PEM."""
    key = load_pem_private_key(pem.encode(), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise LocalCityError("this is no Ed25519 key")
    return key


def public_pem(pem: str) -> str:
    """The public key of a private one, PEM."""
    return private_key(pem).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def write_secret(path: Path, text: str) -> None:
    """Whole or not at all, and never readable by another user."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


class People:
    """Who can be called as, in one city's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "people"

    def keep(self, identity: Identity) -> None:
        """Keep a credential, mode 0600."""
        write_secret(self._path(identity.name), json.dumps(asdict(identity), indent=1))

    def names(self) -> list[str]:
        """All who are kept."""
        return sorted(path.stem for path in self._folder.glob("*.json"))

    def find(self, name: str) -> Identity | None:
        """Who goes by this name, if anybody."""
        path = self._path(name)
        return Identity(**json.loads(path.read_text())) if path.exists() else None

    def get(self, name: str | None = None) -> Identity:
        """Who goes by this name; without one: who logged in last, else the officer. Raises, naming who there is."""
        wanted = name or self.current()
        found = self.find(wanted)
        if found is None:
            known = ", ".join(self.names())
            hint = f"there are {known}" if known else "the city is not founded yet: `city init`"
            raise LocalCityError(f"nobody is logged in as {wanted!r}: {hint}")
        return found

    def current(self) -> str:
        """Who logged in last; the officer before anybody did."""
        kept = self._folder / "current"
        return kept.read_text().strip() if kept.exists() else OFFICER

    def use(self, name: str) -> None:
        """From now on calls are made as `name`."""
        write_secret(self._folder / "current", name)

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise LocalCityError(f"{name!r} is no name: letters, digits, spaces, dots and dashes, 63 at most")
        return self._folder / f"{name}.json"
