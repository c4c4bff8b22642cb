"""What is wrong with the settings is named."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from stratapolis.chassis.settings import WrongSettings
from stratapolis.infrastructure.settings import Settings


def environ(folder: Path, **more: str) -> dict[str, str]:
    key = folder / "key.pem"
    key.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return {
        "CITY_KAFKA": "127.0.0.1:7092", "CITY_CONNECTIVITY_URL": "http://127.0.0.1:7206/", "CITY_PEERS": "data=127.0.0.1:7105",
        "CITY_INFRASTRUCTURE_DATABASE": "postgresql://x", "CITY_INFRASTRUCTURE_GRPC_PORT": "7107", "CITY_INFRASTRUCTURE_HTTP_PORT": "7207",
        "CITY_INFRASTRUCTURE_KEY_FILE": str(key), "CITY_INFRASTRUCTURE_WORK_FOLDER": "/srv/services", **more,
    }  # fmt: skip


def test_services_are_told_where_the_city_is(tmp_path: Path) -> None:
    settings = Settings.read(environ(tmp_path, CITY_INFRASTRUCTURE_VALUE_CATALOG_ADDRESS="10.0.0.1:1"))
    assert settings.told == {"CITY_TOKEN_URL": "http://127.0.0.1:7206/oauth2/token", "CITY_DATA": "127.0.0.1:7105", "CITY_VALUE_CATALOG": "10.0.0.1:1"}
    assert settings.ports == range(7300, 7400)


def test_roots_of_artefacts_are_absolute_folders(tmp_path: Path) -> None:
    assert Settings.read(environ(tmp_path, CITY_INFRASTRUCTURE_ARTEFACT_ROOTS="/a:/b")).artefact_roots == (Path("/a"), Path("/b"))
    with pytest.raises(WrongSettings, match="CITY_INFRASTRUCTURE_ARTEFACT_ROOTS: write absolute folders"):
        Settings.read(environ(tmp_path, CITY_INFRASTRUCTURE_ARTEFACT_ROOTS="/a:b"))


def test_the_last_port_is_not_below_the_first(tmp_path: Path) -> None:
    with pytest.raises(WrongSettings, match="CITY_INFRASTRUCTURE_FIRST_PORT, CITY_INFRASTRUCTURE_LAST_PORT: the last port is below the first"):
        Settings.read(environ(tmp_path, CITY_INFRASTRUCTURE_FIRST_PORT="7400"))
