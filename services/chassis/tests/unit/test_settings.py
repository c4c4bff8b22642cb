"""What is missing, unknown or wrong in the environment is named, all of it at once, and no value is shown."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, KeySerializationEncryption, NoEncryption, PrivateFormat
from pydantic import Field, model_validator
from stratapolis.chassis.settings import DoNotFit, LayerSettings, WrongSettings

SECRET = "hunter2"


class Settings(LayerSettings):
    """A layer with rules of its own over more than one setting."""

    layer: ClassVar[str] = "toy"
    lowest: int = 1
    highest: int = 9
    colour: str = Field(default="red")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.highest < self.lowest:
            raise DoNotFit("lowest", "highest", because="the highest is below the lowest")
        if self.colour == "blue":
            raise ValueError("not on this street")
        return self


def pem(key: object, encryption: KeySerializationEncryption | None = None) -> bytes:
    """A private key's PEM."""
    made: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())  # type: ignore[attr-defined]
    return made


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "key.pem").write_bytes(pem(Ed25519PrivateKey.generate()))
    return {
        "CITY_KAFKA": "127.0.0.1:7092,[::1]:7093", "CITY_CONNECTIVITY_URL": "http://127.0.0.1:7206", "CITY_TOY_DATABASE": f"postgresql://toy:{SECRET}@db/toy",
        "CITY_TOY_GRPC_PORT": "7101", "CITY_TOY_HTTP_PORT": "7201", "CITY_TOY_KEY_FILE": str(tmp_path / "key.pem"),
    }  # fmt: skip


def faults(environ: dict[str, str]) -> list[str]:
    """The lines that this environment is refused with."""
    with pytest.raises(WrongSettings) as refused:
        Settings.read(environ)
    assert SECRET not in str(refused.value)
    return str(refused.value).splitlines()


def test_a_right_environment_is_read_and_what_is_for_others_is_left_alone(environ: dict[str, str]) -> None:
    settings = Settings.read(environ | {"CITY_GOVERNANCE_DATABASE": "x", "CITY_KEY_FILE": "x", "CITY_CRASH_FOLDER": "x", "CITY_DATA": "x"})
    assert settings.database.get_secret_value() == environ["CITY_TOY_DATABASE"]
    assert SECRET not in repr(settings)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("CITY_KAFKA", f"{SECRET}", "host:port"),
        ("CITY_KAFKA", f"a:1,{SECRET}:x", "host:port"),
        ("CITY_CONNECTIVITY_URL", f"ftp://{SECRET}", "http://"),
        ("CITY_CONNECTIVITY_URL", f"http://host:{SECRET}", "http://"),
        ("CITY_OTLP", SECRET, "http://"),
        ("CITY_PEERS", f"data={SECRET}", "layer=host:port"),
        ("CITY_LOG_LEVEL", SECRET, "debug|info"),
        ("CITY_TOY_DATABASE", f"mysql://toy:{SECRET}@db/toy", "postgresql://"),
        ("CITY_TOY_DATABASE", f"postgresql://toy:@db:{SECRET}/toy", "postgresql://"),
        ("CITY_TOY_DATABASE", f"toy:{SECRET}@db", "postgresql://"),
        ("CITY_TOY_GRPC_PORT", SECRET, "integer"),
        ("CITY_TOY_HTTP_PORT", "70000", "65535"),
        ("CITY_TOY_KEY_FILE", f"/nowhere/{SECRET}", "no such file"),
        ("CITY_TOY_SECRET", SECRET, "no such setting"),
        ("CITY_LOG_LEVLE", SECRET, "no such setting"),
        ("CITY_CONECTIVITY_URL", SECRET, "no such setting"),
    ],
)
def test_what_is_wrong_is_named_with_what_is_right_and_its_value_is_not_shown(environ: dict[str, str], variable: str, value: str, said: str) -> None:
    (line,) = faults(environ | {variable: value})
    assert line.startswith(f"{variable}: ")
    assert said in line


def test_all_that_is_missing_unknown_or_wrong_is_told_at_once(environ: dict[str, str]) -> None:
    del environ["CITY_KAFKA"], environ["CITY_TOY_DATABASE"]
    found = faults(environ | {"CITY_TOY_NONSENSE": "1", "CITY_TOY_GRPC_PORT": "0"})
    assert [line.partition(":")[0] for line in found] == ["CITY_TOY_NONSENSE", "CITY_KAFKA", "CITY_TOY_DATABASE", "CITY_TOY_GRPC_PORT"]


def test_settings_that_do_not_fit_each_other_are_all_named(environ: dict[str, str]) -> None:
    assert faults(environ | {"CITY_TOY_LOWEST": "10"}) == ["CITY_TOY_LOWEST, CITY_TOY_HIGHEST: the highest is below the lowest"]


def test_a_rule_over_all_settings_that_names_none_names_the_layers(environ: dict[str, str]) -> None:
    assert faults(environ | {"CITY_TOY_COLOUR": "blue"}) == ["CITY_TOY_*: not on this street"]


@pytest.mark.parametrize(
    "content",
    [b"", SECRET.encode(), pem(generate_private_key(SECP256R1())), pem(Ed25519PrivateKey.generate(), BestAvailableEncryption(SECRET.encode()))],
    ids=["empty", "no PEM", "another kind of key", "under a password"],
)
def test_a_file_without_the_layers_key_is_named(environ: dict[str, str], content: bytes) -> None:
    Path(environ["CITY_TOY_KEY_FILE"]).write_bytes(content)
    assert faults(environ) == ["CITY_TOY_KEY_FILE: the file holds no Ed25519 private key in PEM without a password"]
