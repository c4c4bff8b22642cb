"""Versions of the policy set: two persons, only forward, founded once."""

import pytest
from stratapolis.policy.domain.errors import AlreadyFounded, PolicySuperseded, SamePerson
from stratapolis.policy.domain.policy import activate, found, publish

from services.policy.tests.builders import NOW


def test_another_person_puts_a_version_in_force() -> None:
    policy = activate(publish("text", note="new", newest=4, publisher="pia", at=NOW), active=3, activator="paul", at=NOW)
    assert (policy.version, policy.active, policy.activator) == (5, True, "paul")


def test_the_publisher_may_not_activate() -> None:
    with pytest.raises(SamePerson):
        activate(publish("text", note="new", newest=0, publisher="pia", at=NOW), active=0, activator="pia", at=NOW)


@pytest.mark.parametrize("active", [1, 2])
def test_an_older_version_or_the_one_in_force_is_refused(active: int) -> None:
    with pytest.raises(PolicySuperseded):
        activate(publish("text", note="new", newest=0, publisher="pia", at=NOW), active=active, activator="paul", at=NOW)


def test_the_city_is_founded_once() -> None:
    assert found("text", newest=0, founder="olga", at=NOW).active
    with pytest.raises(AlreadyFounded):
        found("text", newest=1, founder="olga", at=NOW)
