"""Settings of innovation."""

from decimal import Decimal
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from stratapolis.chassis.settings import WrongSettings
from stratapolis.innovation.settings import Settings


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    key = tmp_path / "key.pem"
    key.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return {
        "CITY_KAFKA": "127.0.0.1:23092",
        "CITY_CONNECTIVITY_URL": "http://127.0.0.1:23206",
        "CITY_INNOVATION_DATABASE": "postgresql://innovation@127.0.0.1:23432/innovation",
        "CITY_INNOVATION_GRPC_PORT": "23102",
        "CITY_INNOVATION_HTTP_PORT": "23202",
        "CITY_INNOVATION_KEY_FILE": str(key),
    }


def test_a_city_counts_in_utc_and_calls_three_ratings_of_two_and_a_half_bad_unless_it_says_otherwise(environ: dict[str, str]) -> None:
    settings = Settings.read(environ)
    assert (settings.calendar.zone.key, settings.bad.ratings, settings.bad.average) == ("UTC", 3, Decimal("2.5"))
    said = Settings.read(environ | {"CITY_INNOVATION_ZONE": "Asia/Tokyo", "CITY_INNOVATION_BAD_RATINGS": "7", "CITY_INNOVATION_BAD_AVERAGE": "1.5"})
    assert (said.calendar.zone.key, said.bad.ratings, said.bad.average) == ("Asia/Tokyo", 7, Decimal("1.5"))


@pytest.mark.parametrize(
    ("name", "value"),
    [("ZONE", "Mars/Olympus"), ("BAD_RATINGS", "0"), ("BAD_AVERAGE", "5"), ("BAD_AVERAGE", "NaN"), ("START_SECONDS", "0"), ("CITY", "A city"), ("ZONES", "x")],
)  # fmt: skip
def test_a_setting_that_cannot_be_used_is_named(environ: dict[str, str], name: str, value: str) -> None:
    with pytest.raises(WrongSettings, match=f"^CITY_INNOVATION_{name}:"):
        Settings.read(environ | {f"CITY_INNOVATION_{name}": value})
