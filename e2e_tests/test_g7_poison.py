"""G7: one bad message neither blocks nor vanishes."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from aiokafka.errors import MessageSizeTooLargeError
from city.governance.v1.events_pb2 import JourneyEnded, MemberAdded, StageRequested
from city.manifest.v1.manifest_pb2 import Manifest
from google.protobuf.message import Message
from stratapolis.chassis import contract, envelope
from stratapolis.chassis.cause import Cause
from stratapolis.chassis.ids import new_id
from stratapolis.cli.local.city import until

from e2e_tests import poison, wire
from e2e_tests.conftest import Town
from e2e_tests.wire import RawName

TOPIC = "city.governance.v1"
OTHERS_WITHIN = 5.0
MADE = "select subject from membership where creator_id = $1 order by joined_at, subject"


def heads(event: Message, number: int, **changes: str) -> list[tuple[str, bytes]]:
    """The headers of an event as governance writes them, but for `changes`."""
    said = envelope.headers(
        event_id=new_id(), event_type=event.DESCRIPTOR.full_name, writer="governance", at=datetime.now(UTC), sequence=number, cause=Cause(),
        correlation="", traceparent="",
    )  # fmt: skip
    return [*envelope.wire(said | {f"ce_{name}": value for name, value in changes.items()}), (wire.TEST, b"g7")]


def member(key: str, sequence: int) -> tuple[bytes, wire.Headers]:
    """A sound event of a key."""
    event = MemberAdded(creator_id=key, subject=f"{key}-{sequence}", roles=["member"])
    return event.SerializeToString(), heads(event, sequence)


@dataclass(frozen=True, slots=True)
class Poison:
    """A record that cannot be applied; `takes_place`: it stands for an event of the writer's, so that the next sequence follows it."""

    value: bytes
    headers: wire.Headers
    says: str
    takes_place: bool = True


def poisons(key: str) -> dict[str, Poison]:
    """One of each kind, at the second place of its key."""
    event = MemberAdded(creator_id=key, subject="never", roles=["member"])
    sound, kind = event.SerializeToString(), event.DESCRIPTOR.full_name
    ruleless = StageRequested(service_id=key, journey_id="j", version=1, manifest=Manifest(api_version="city/v7"))
    return {
        "garbage": Poison(b"\x00\xff garbage", [(wire.TEST, b"g7")], "source", takes_place=False),
        "bytes that do not parse": Poison(b"\xff\xff\xff", heads(event, 2), "payload"),
        "wrong type": Poison(sound, heads(event, 2, type="city.data.v1.DataProductPublished"), "does not belong"),
        "unknown major version": Poison(sound, heads(event, 2, type=kind.replace(".v1.", ".v2.")), "does not belong"),
        "foreign source": Poison(sound, heads(event, 2, source="/city/data"), "writer", takes_place=False),
        "bad header": Poison(sound, heads(event, 2, sequence="many"), "ce_sequence", takes_place=False),
        "header value that is no text": Poison(sound, [*heads(event, 2), ("ce_actor", b"\xff\xfe")], "ASCII", takes_place=False),
        "header name that is no text": Poison(sound, [*heads(event, 2), (RawName("ce_\xff\xfe"), b"x")], "UTF-8", takes_place=False),
        "breaks a rule of the contract": Poison(ruleless.SerializeToString(), heads(ruleless, 2), "breaks the contract"),
        "another key's event": Poison(JourneyEnded(service_id="elsewhere").SerializeToString(), heads(JourneyEnded(), 2), "key"),
    }


async def _made(town: Town, key: str) -> list[str]:
    """The effects of a key's events in connectivity."""
    return [row["subject"] for row in await town.rows("connectivity", MADE, key)]


async def _until_made(town: Town, key: str, *sequences: int, within: float = 30) -> float:
    """Until exactly these events of a key have had their effect; how long it took."""
    began = time.monotonic()

    async def there() -> bool:
        return await _made(town, key) == [f"{key}-{sequence}" for sequence in sequences]

    await until(there, f"the effects {sequences} of {key}", within=within)
    return time.monotonic() - began


async def test_g7_poison_of_every_kind_parks_its_key_alone_and_an_operator_lets_it_go_on(town: Town) -> None:
    readers = poison.readers(TOPIC)
    async with wire.writer(town.city.at.kafka) as producer:
        for name in poisons(""):
            key, other = f"poisoned-{new_id()}", f"sound-{new_id()}"
            bad = poisons(key)[name]
            after = [2, 3] if not bad.takes_place else [3, 4]
            batch = [member(key, 1), (bad.value, bad.headers), member(key, after[0])]
            _, sent, _ = await wire.send_as_one(producer, TOPIC, key, batch)
            await wire.send(producer, TOPIC, *_record(other, 1))
            await wire.send(producer, TOPIC, *_record(key, after[1]))
            assert await _until_made(town, other, 1) < OTHERS_WITHIN, name
            await _until_made(town, key, 1)
            letters = await poison.letters(town, sent, *readers)
            await asyncio.gather(*(_looks(town, layer, letter, sent, bad, name) for layer, letter in letters.items()))
            await _waiting(town, key, 2)
            assert await poison.discard(town, letters) == dict.fromkeys(readers, 2), name
            await _until_made(town, key, 1, *after)
            for layer in readers:
                assert [tuple(r) for r in await town.rows(layer, "select last, parked from inbox where key = $1", key)] == [(after[-1], False)], (name, layer)


def _record(key: str, sequence: int) -> tuple[bytes, str, wire.Headers]:
    value, headers = member(key, sequence)
    return value, key, headers


async def _looks(town: Town, layer: str, letter: int, sent: wire.Sent, bad: Poison, name: str) -> None:
    """A dead letter has all that came, where from, and why."""
    found = await poison.shown(town, layer, letter)
    assert (found.topic, found.partition, found.offset) == (sent.topic, sent.partition, sent.offset), (name, layer)
    assert found.payload == bad.value, (name, layer)
    assert [h.value for h in found.headers] == [value for _, value in bad.headers], (name, layer)
    named = [h.name for h, (wanted, _) in zip(found.headers, bad.headers, strict=True) if not isinstance(wanted, RawName)]
    assert named == [wanted for wanted, _ in bad.headers if not isinstance(wanted, RawName)], (name, layer)
    assert bad.says in found.error, (name, layer, found.error)
    assert found.attempts == 1, (name, layer)


async def _waiting(town: Town, key: str, number: int) -> None:
    """Until every reader has put so many events of a key aside behind its dead letter; it has one of these."""

    async def there() -> bool:
        states = [[r["state"] for r in await town.rows(layer, "select state from dead_letter where key = $1", key)] for layer in poison.readers(TOPIC)]
        return all(sorted(found) == ["dead", *["waiting"] * number] for found in states)

    await until(there, f"{number} events to wait behind a dead letter", within=30)


async def test_g7_after_the_fix_a_redrive_has_its_effect_once_and_in_order(town: Town) -> None:
    key = f"poisoned-{new_id()}"
    await town.execute("connectivity", f"alter table membership add constraint broken check (subject <> '{key}-2')")
    async with wire.writer(town.city.at.kafka) as producer:
        try:
            sent = [await wire.send(producer, TOPIC, *_record(key, sequence)) for sequence in (1, 2, 2, 3)]
            letter = (await poison.letters(town, sent[1], "connectivity"))["connectivity"]
            found = await poison.shown(town, "connectivity", letter)
            assert (found.attempts, found.sequence) == (3, 2)
            assert "broken" in found.error
        finally:
            await town.execute("connectivity", "alter table membership drop constraint broken")
        await _until_made(town, key, 1)
        assert await poison.redrive(town, "connectivity", letter) >= 1
        await wire.send(producer, TOPIC, *_record(key, 4))
        await _until_made(town, key, 1, 2, 3, 4)
    assert await town.rows("connectivity", "select 1 from dead_letter where key = $1 and state in ('dead', 'waiting')", key) == []


async def test_g7_a_record_that_is_too_large_for_its_topic_is_refused_by_the_broker(town: Town) -> None:
    most = contract.topics()[TOPIC].max_bytes
    async with wire.writer(town.city.at.kafka) as producer:
        with pytest.raises(MessageSizeTooLargeError):
            await wire.send(producer, TOPIC, b"x" * (most + 1), "k", [])
