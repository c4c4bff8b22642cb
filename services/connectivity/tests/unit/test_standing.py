"""What a token says of its subject."""

from datetime import UTC, datetime, timedelta

from stratapolis.connectivity.domain.identity import Kind, enrol
from stratapolis.connectivity.domain.standing import Membership, Standing, standing

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
PERSON, _ = enrol(subject="person:1", kind=Kind.PERSON, creator="", display_name="", at=NOW, roles=frozenset({"operator"}))
THING, _ = enrol(subject="thing:1", kind=Kind.THING, creator="creator-1", display_name="", at=NOW)
ADMIN = Membership("creator-1", frozenset({"admin"}), NOW)
MEMBER = Membership("creator-2", frozenset({"member"}), NOW + timedelta(days=1))
BOTH = frozenset({"creator-1", "creator-2"})


def test_a_person_without_membership_acts_for_itself():
    assert standing(PERSON, [], active_creators=BOTH) == Standing("person", roles=frozenset({"operator"}))


def test_the_first_membership_counts_unless_another_is_wanted():
    first = standing(PERSON, [MEMBER, ADMIN], active_creators=BOTH)
    assert first == Standing("person", "creator-1", frozenset({"admin"}), frozenset({"operator"}))
    wanted = standing(PERSON, [MEMBER, ADMIN], active_creators=BOTH, wanted="creator-2")
    assert wanted == Standing("person", "creator-2", frozenset({"member"}), frozenset({"operator"}))


def test_nobody_acts_for_a_creator_it_does_not_belong_to():
    assert standing(PERSON, [ADMIN], active_creators=BOTH, wanted="creator-2") is None


def test_a_thing_has_its_creator_without_roles_there():
    assert standing(THING, [], active_creators=BOTH) == Standing("thing", "creator-1")


def test_a_suspended_creator_is_in_no_token():
    assert standing(THING, [], active_creators=frozenset()) == Standing("thing")
    assert standing(THING, [], active_creators=frozenset(), wanted="creator-1") is None
