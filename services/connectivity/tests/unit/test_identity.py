"""Identities: every change keeps what must stay true, whatever came before."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stratapolis.connectivity.domain import errors
from stratapolis.connectivity.domain.identity import (
    Credential,
    Enroller,
    Identity,
    Kind,
    State,
    activate,
    creator_for,
    enrol,
    grant,
    install,
    issue,
    renew,
    resume,
    revoke,
    revoke_key,
    suspend,
)

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
STAFF = Enroller(creator="", is_member=False, is_staff=True)
MEMBER = Enroller(creator="creator-1", is_member=True, is_staff=False)


def an_identity(**changes: Any) -> Identity:
    made, _ = enrol(subject="person:1", kind=Kind.PERSON, creator="", display_name="Ada Muster", at=NOW)
    return replace(made, **changes)


def a_key(name: str = "k1", **changes: Any) -> Credential:
    made = Credential(credential_id=name, subject="person:1", public_key_pem="pem", thumbprint=name, created_at=NOW)
    return replace(made, **changes)


def test_a_person_owns_itself_and_a_thing_belongs_to_its_creator() -> None:
    assert an_identity().owner == "person:1"
    thing, said = enrol(subject="thing:1", kind=Kind.THING, creator="creator-1", display_name="", at=NOW)
    assert (thing.owner, said.kind) == ("creator-1", Kind.THING)


def test_a_member_enrols_things_and_systems_of_its_own_creator_only() -> None:
    assert creator_for(MEMBER, Kind.THING, "") == "creator-1"
    assert creator_for(MEMBER, Kind.SYSTEM, "creator-1") == "creator-1"
    with pytest.raises(errors.NotAMember):
        creator_for(MEMBER, Kind.THING, "creator-2")
    with pytest.raises(errors.KindNotYours):
        creator_for(MEMBER, Kind.PERSON, "")


def test_who_is_no_member_enrols_nothing() -> None:
    for nobody in (Enroller(creator="", is_member=False, is_staff=False), Enroller(creator="creator-1", is_member=False, is_staff=False)):
        with pytest.raises(errors.NotAMember):
            creator_for(nobody, Kind.THING, "")


def test_staff_enrols_for_every_creator_but_no_person_into_one() -> None:
    assert creator_for(STAFF, Kind.SYSTEM, "creator-2") == "creator-2"
    with pytest.raises(errors.PersonHasNoCreator):
        creator_for(STAFF, Kind.PERSON, "creator-2")


def test_a_suspended_identity_is_gone_until_it_is_resumed_and_old_tokens_stay_cut() -> None:
    suspended, (gone,) = suspend(an_identity(), by_city=True, other_officers=1, at=NOW)
    assert gone.gone and gone.before == NOW
    resumed, (back,) = resume(suspended, by_city=True, at=LATER)
    assert resumed.state is State.ACTIVE and not back.gone and back.before == LATER


def test_what_the_city_suspended_the_owner_cannot_resume() -> None:
    own, _ = suspend(an_identity(), by_city=False, other_officers=1, at=NOW)
    assert resume(own, by_city=False, at=LATER)[0].state is State.ACTIVE
    outweighed, said = suspend(own, by_city=True, other_officers=1, at=LATER)
    assert said == ()
    with pytest.raises(errors.SuspendedByCity):
        resume(outweighed, by_city=False, at=LATER)


def test_revoked_is_for_good() -> None:
    revoked, (gone,) = revoke(an_identity(), other_officers=0, at=NOW)
    assert gone.gone and revoke(revoked, other_officers=0, at=LATER) == (revoked, ())
    with pytest.raises(errors.IdentityRevoked):
        resume(revoked, by_city=True, at=LATER)
    with pytest.raises(errors.IdentityRevoked):
        suspend(revoked, by_city=True, other_officers=1, at=LATER)
    with pytest.raises(errors.IdentityRevoked):
        issue(revoked, [], a_key())
    with pytest.raises(errors.IdentityNotActive):
        grant(revoked, frozenset({"operator"}), other_officers=1, at=LATER)


def test_an_active_identity_has_nothing_to_resume() -> None:
    with pytest.raises(errors.NotSuspended):
        resume(an_identity(), by_city=True, at=NOW)


def test_the_last_officer_stays() -> None:
    officer = an_identity(roles=frozenset({"officer"}))
    with pytest.raises(errors.LastOfficer):
        suspend(officer, by_city=True, other_officers=0, at=NOW)
    with pytest.raises(errors.LastOfficer):
        revoke(officer, other_officers=0, at=NOW)
    with pytest.raises(errors.LastOfficer):
        grant(officer, frozenset({"operator"}), other_officers=0, at=NOW)
    assert revoke(officer, other_officers=1, at=NOW)[0].state is State.REVOKED


@given(before=st.frozensets(st.sampled_from(["officer", "operator", "policy_admin"])), after=st.frozensets(st.sampled_from(["officer", "operator"])))
def test_tokens_are_cut_exactly_where_a_role_is_lost(before: frozenset[str], after: frozenset[str]) -> None:
    changed, said = grant(an_identity(roles=before), after, other_officers=1, at=LATER)
    assert changed.roles == after
    assert bool(said) == bool(before - after)


def test_a_thing_has_no_roles() -> None:
    with pytest.raises(errors.ThingHasNoRoles):
        grant(an_identity(kind=Kind.THING), frozenset({"operator"}), other_officers=1, at=NOW)


def test_a_key_is_registered_once_and_at_most_five_count() -> None:
    five = [a_key(f"k{n}") for n in range(5)]
    with pytest.raises(errors.KeyKnown):
        issue(an_identity(), [a_key("k1", revoked_at=NOW)], a_key("k1"))
    with pytest.raises(errors.TooManyKeys):
        issue(an_identity(), five, a_key("k9"))
    assert issue(an_identity(), [*five[:4], a_key("old", revoked_at=NOW)], a_key("k9")) == a_key("k9")


def test_the_last_key_of_an_active_identity_stays() -> None:
    with pytest.raises(errors.LastCredential):
        revoke_key(an_identity(), [a_key()], a_key(), at=LATER)
    assert revoke_key(an_identity(), [a_key(), a_key("k2")], a_key(), at=LATER).revoked_at == LATER
    assert revoke_key(an_identity(state=State.SUSPENDED), [a_key()], a_key(), at=LATER).revoked_at == LATER


def test_ending_a_key_twice_keeps_its_first_end() -> None:
    ended = a_key(revoked_at=NOW)
    assert revoke_key(an_identity(), [ended], ended, at=LATER) == ended


def test_a_system_that_was_revoked_and_asked_for_again_says_that_it_is_back() -> None:
    system, _ = enrol(subject="system:1", kind=Kind.SYSTEM, creator="creator-1", display_name="", at=NOW, state=State.INACTIVE)
    fresh, said = activate(system, at=NOW)
    assert fresh.state is State.ACTIVE and said == ()
    revoked, _ = revoke(fresh, other_officers=0, at=NOW)
    with pytest.raises(errors.IdentityRevoked):
        activate(revoked, at=LATER)
    active, (back,) = activate(renew(revoked, creator="creator-1", at=LATER), at=LATER)
    assert active.state is State.ACTIVE and not back.gone


def test_a_versions_new_key_ends_its_earlier_one_and_leaves_other_versions() -> None:
    first, other = a_key("a", version=1), a_key("b", version=2)
    ended, new = install([first, other], a_key("c", version=1), at=LATER)
    assert (ended.thumbprint, ended.revoked_at, new.thumbprint) == ("a", LATER, "c")
    assert install([first, other], a_key("a", version=1), at=LATER) == ()
    with pytest.raises(errors.KeyKnown):
        install([replace(first, revoked_at=NOW)], a_key("a", version=1), at=LATER)
