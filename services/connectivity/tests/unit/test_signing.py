"""Keys follow one another without a token that nobody can verify."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from stratapolis.connectivity.domain.signing import Rhythm, SigningKey, next_signs_from, signing, spent

START = datetime(2026, 1, 5, tzinfo=UTC)
RHYTHM = Rhythm(lasts=timedelta(days=1), shown=timedelta(minutes=5), token=timedelta(minutes=15))


def a_key(kid: str, signs_from: datetime) -> SigningKey:
    return SigningKey(kid=kid, private_pem="", public_pem="", signs_from=signs_from)


def test_the_first_key_signs_at_once() -> None:
    assert next_signs_from([], RHYTHM, START) == START


@given(st.lists(st.integers(1, 40 * 60), min_size=1, max_size=120))
def test_a_key_is_shown_before_it_signs_and_until_its_tokens_are_gone(pauses: list[int]) -> None:
    """The rotation job runs at irregular times (minutes apart, or hours away); readers hold a key set up to five minutes."""
    now, keys, shown_since = START, [a_key("0", START)], {"0": START - timedelta(hours=1)}
    tokens: list[tuple[str, datetime]] = []
    for number, pause in enumerate(pauses, 1):
        now += timedelta(minutes=pause)
        if (signs_from := next_signs_from(keys, RHYTHM, now)) is not None:
            keys.append(a_key(str(number), signs_from))
            shown_since[str(number)] = now
        gone = set(spent(keys, RHYTHM, now))
        keys = [key for key in keys if key.kid not in gone]
        signer = signing(keys, now)
        assert signer is not None
        assert signer.signs_from == START or now - shown_since[signer.kid] >= RHYTHM.shown
        tokens.append((signer.kid, now + RHYTHM.token))
        assert {kid for kid, end in tokens if end > now} <= {key.kid for key in keys}


def test_a_key_signs_no_longer_than_it_lasts_while_the_job_runs() -> None:
    keys = [a_key("0", START)]
    due = START + RHYTHM.lasts - RHYTHM.shown
    signs_from = next_signs_from(keys, RHYTHM, due)
    assert signs_from == START + RHYTHM.lasts
    assert next_signs_from([*keys, a_key("1", signs_from)], RHYTHM, due + timedelta(minutes=1)) is None
