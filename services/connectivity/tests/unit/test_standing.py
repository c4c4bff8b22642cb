"""What a token says of its subject."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from stratapolis.connectivity.domain.identity import Kind, enrol
from stratapolis.connectivity.domain.standing import Membership, Standing, standing

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
PERSON, _ = enrol(subject="person:1", kind=Kind.PERSON, creator="", display_name="", at=NOW, roles=frozenset({"operator"}))
THING, _ = enrol(subject="thing:1", kind=Kind.THING, creator="creator-1", display_name="", at=NOW)
ADMIN = Membership("creator-1", frozenset({"admin"}), NOW)
MEMBER = Membership("creator-2", frozenset({"member"}), NOW + timedelta(days=1))
BOTH = frozenset({"creator-1", "creator-2"})


def test_a_person_without_membership_acts_for_itself() -> None:
    assert standing(PERSON, [], active_creators=BOTH) == Standing("person", roles=frozenset({"operator"}))


def test_a_member_acts_for_its_value_creator_with_its_roles_there() -> None:
    assert standing(PERSON, [ADMIN], active_creators=BOTH) == Standing("person", "creator-1", frozenset({"admin"}), frozenset({"operator"}))


def test_of_two_memberships_the_first_counts() -> None:
    assert standing(PERSON, [MEMBER, ADMIN], active_creators=BOTH).creator == "creator-1"


def test_a_system_acts_for_its_own_value_creator_with_the_roles_it_has_there() -> None:
    system = replace(THING, kind=Kind.SYSTEM, creator="creator-2")
    assert standing(system, [ADMIN, MEMBER], active_creators=BOTH) == Standing("system", "creator-2", frozenset({"member"}))


def test_a_thing_has_its_creator_without_roles_there() -> None:
    assert standing(THING, [], active_creators=BOTH) == Standing("thing", "creator-1")


def test_a_suspended_creator_is_in_no_token() -> None:
    assert standing(THING, [], active_creators=frozenset()) == Standing("thing")
