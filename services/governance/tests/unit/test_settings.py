"""Settings of governance."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from stratapolis.chassis.settings import WrongSettings
from stratapolis.governance.domain.step import Stage
from stratapolis.governance.settings import Settings


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    key = tmp_path / "key.pem"
    key.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return {
        "CITY_KAFKA": "127.0.0.1:23092",
        "CITY_CONNECTIVITY_URL": "http://127.0.0.1:23206",
        "CITY_GOVERNANCE_DATABASE": "postgresql://governance@127.0.0.1:23432/governance",
        "CITY_GOVERNANCE_GRPC_PORT": "23103",
        "CITY_GOVERNANCE_HTTP_PORT": "23203",
        "CITY_GOVERNANCE_KEY_FILE": str(key),
    }


def test_deadlines_default_to_what_the_city_promises(environ: dict[str, str]) -> None:
    limits = Settings.read(environ).course.limits
    assert limits == {
        Stage.CLEARING: timedelta(hours=24),
        Stage.DECIDING: timedelta(days=14),
        Stage.DEPLOYING: timedelta(minutes=10),
        Stage.CONNECTING: timedelta(hours=24),
        Stage.LISTING: timedelta(hours=24),
        Stage.RETIRING: timedelta(hours=24),
    }


def test_deadlines_may_be_seconds(environ: dict[str, str]) -> None:
    course = Settings.read(environ | {"CITY_GOVERNANCE_CLEARING_SECONDS": "1.5", "CITY_GOVERNANCE_LAYERS": "policy, infrastructure"}).course
    assert course.limits[Stage.CLEARING] == timedelta(seconds=1.5)
    assert course.parties(Stage.CLEARING) == ("policy", "infrastructure")


def test_a_month_takes_late_uses_for_two_days_unless_a_city_says_otherwise(environ: dict[str, str]) -> None:
    assert Settings.read(environ).settlement_wait == timedelta(hours=48)
    assert Settings.read(environ | {"CITY_GOVERNANCE_SETTLEMENT_HOURS": "-720"}).settlement_wait == timedelta(days=-30)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CITY_GOVERNANCE_CLEARING_SECONDS", "0"),
        ("CITY_GOVERNANCE_LAYERS", "policy,polcy"),
        ("CITY_GOVERNANCE_CLEARING", "9"),
        ("CITY_GOVERNANCE_SETTLEMENT_HOURS", "-87601"),
        ("CITY_GOVERNANCE_SETTLEMENT_HOURS", "nan"),
        ("CITY_GOVERNANCE_ZONE", "Moon/Base"),
        ("CITY_GOVERNANCE_MEASURE_SECONDS", "0"),
    ],
)
def test_a_wrong_setting_is_named(environ: dict[str, str], name: str, value: str) -> None:
    with pytest.raises(WrongSettings, match=name):
        Settings.read(environ | {name: value})
