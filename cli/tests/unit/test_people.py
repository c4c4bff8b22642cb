"""Credentials are kept for their owner's eyes only."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from stratapolis.cli.local.errors import LocalCityError
from stratapolis.cli.people import Identity, People, new_pem, private_key, public_pem


def an_identity(name: str = "alice") -> Identity:
    return Identity(name=name, subject=f"person:{name}", private_pem=new_pem())


def test_a_credential_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    alice = an_identity()
    People(tmp_path).keep(alice)
    assert People(tmp_path).get("alice") == alice
    assert alice.key.public_key() == private_key(alice.private_pem).public_key()


def test_no_other_user_can_read_a_credential(tmp_path: Path) -> None:
    People(tmp_path).keep(an_identity())
    kept = tmp_path / "people" / "alice.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700


def test_a_key_is_never_shown_by_accident() -> None:
    assert "PRIVATE" not in repr(an_identity())


def test_the_officer_calls_until_somebody_logs_in(tmp_path: Path) -> None:
    people = People(tmp_path)
    for name in ("officer", "alice"):
        people.keep(an_identity(name))
    assert people.get().name == "officer"
    people.use("alice")
    assert people.get().name == "alice"
    assert people.get("officer").name == "officer"


def test_who_is_not_there_is_told_with_who_is(tmp_path: Path) -> None:
    people = People(tmp_path)
    with pytest.raises(LocalCityError, match="not founded yet"):
        people.get()
    people.keep(an_identity())
    with pytest.raises(LocalCityError, match="nobody is logged in as 'bob': there are alice"):
        people.get("bob")


@pytest.mark.parametrize("name", ["", "../officer", "a/b", ".hidden", "x" * 64, "a\nb"])
def test_a_name_that_leads_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(LocalCityError, match="is no name"):
        People(tmp_path).find(name)


def test_a_public_key_says_nothing_of_the_private_one() -> None:
    pem = new_pem()
    assert "PUBLIC KEY" in public_pem(pem) and "PRIVATE" not in public_pem(pem)
