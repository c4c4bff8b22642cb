"""Connections: trusted for a scope and a time, severed for good."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from stratapolis.connectivity.domain import errors
from stratapolis.connectivity.domain.connection import LONGEST, Connection, Link, by_hand, needed, sever, trust
from stratapolis.connectivity.domain.identity import Kind, State, enrol

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
THING, _ = enrol(subject="thing:1", kind=Kind.THING, creator="creator-1", display_name="", at=NOW)
SYSTEM, _ = enrol(subject="system:1", kind=Kind.SYSTEM, creator="creator-1", display_name="", at=NOW)


def a_connection(**changes: Any) -> Connection:
    made = Connection(
        connection_id="c1", subject="system:1", target="data", scope="data:read", owner="creator-1", state=Link.ASKED, service_id="1", version=1,
        created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    return replace(made, **changes)


def connect(**changes: Any) -> Connection:
    said: dict[str, Any] = {
        "connection_id": "c1", "subject": SYSTEM, "target": "thing:1", "target_identity": THING, "scope": "thing:read", "end_at": NOW + HOUR, "is_staff": False,
    }  # fmt: skip
    return by_hand(**{**said, **changes}, at=NOW)[0]


def test_a_connection_by_hand_is_trusted_until_its_end() -> None:
    connection = connect()
    assert connection.holds(NOW) and connection.holds(NOW + HOUR - timedelta(microseconds=1)) and not connection.holds(NOW + HOUR)


@pytest.mark.parametrize("end", [NOW, NOW - HOUR, NOW + LONGEST + HOUR])
def test_trust_has_an_end_that_lies_ahead(end: datetime) -> None:
    with pytest.raises(errors.EndOutOfRange):
        connect(end_at=end)


def test_only_staff_connects_to_a_layer() -> None:
    with pytest.raises(errors.TargetNotYours):
        connect(target="data", target_identity=None)
    assert connect(target="data", target_identity=None, is_staff=True).target == "data"


@pytest.mark.parametrize("state", [State.INACTIVE, State.SUSPENDED, State.REVOKED])
def test_who_is_not_active_is_not_connected(state: State) -> None:
    for changes in ({"subject": replace(SYSTEM, state=state)}, {"target_identity": replace(THING, state=state)}):
        with pytest.raises(errors.IdentityNotActive):
            connect(**changes)


def test_a_service_reports_uses_and_reads_data_until_its_last_data_use_ends() -> None:
    assert needed([]) == (("value_catalog", "uses:record", None),)
    assert needed([date(2026, 3, 1), date(2026, 9, 1)])[1] == ("data", "data:read", date(2026, 9, 1))


def test_what_was_asked_for_is_trusted_once() -> None:
    trusted, said = trust(a_connection(), at=NOW)
    assert trusted.holds(NOW) and len(said) == 1
    assert trust(trusted, at=NOW) == (trusted, ())


def test_severed_is_for_good_and_said_only_of_what_was_trusted() -> None:
    never, quiet = sever(a_connection(), "rejected", at=NOW)
    assert never.state is Link.SEVERED and quiet == ()
    severed, said = sever(a_connection(state=Link.TRUSTED), "severed", at=NOW)
    assert len(said) == 1 and not severed.holds(NOW)
    for change in (lambda: sever(severed, "severed", at=NOW), lambda: trust(severed, at=NOW)):
        with pytest.raises(errors.ConnectionSevered):
            change()
