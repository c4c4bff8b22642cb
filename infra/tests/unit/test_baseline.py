"""What was released stays: its events decode today, its migrations are as they were, and later ones only expand."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.unknown_fields import UnknownFieldSet
from stratapolis.chassis import contract, envelope
from stratapolis.chassis.envelope import CONTENT_TYPE, Envelope
from stratapolis.chassis.errors import Permanent
from stratapolis.chassis.validation import broken_rules

from infra.baseline import golden, schema
from infra.baseline.__main__ import BASELINES
from infra.build.breaking_gate import ROOT

RELEASED = [
    pytest.param(file.name.removesuffix(".events.json"), name, stored, id=f"{file.name.removesuffix('.events.json')} {name}")
    for file in sorted(BASELINES.glob("*.events.json"))
    for name, stored in json.loads(file.read_text()).items()
]


def carrying(name: str) -> list[contract.Topic]:
    """The topics on which an event lies."""
    return [topic for topic in contract.topics().values() if name in topic.types]


def stored_as(name: str, topic: contract.Topic) -> Envelope:
    return Envelope(
        id="1", type=name, source=envelope.source(topic.writer), time="", content_type=CONTENT_TYPE, correlation="", causation="", actor="", traceparent="",
        sequence=1,
    )  # fmt: skip


@pytest.mark.parametrize(("version", "name", "stored"), RELEASED)
def test_g13_a_stored_event_of_a_released_version_says_today_what_it_said(version: str, name: str, stored: dict[str, Any]) -> None:
    topics = carrying(name)
    assert topics, f"{version} said {name}, and no topic carries it"
    for topic in topics:
        event = envelope.decode(stored_as(name, topic), base64.b64decode(stored["payload"]), topic)
        assert event is not None
        assert golden.fields(event) == stored["fields"]
        assert len(UnknownFieldSet(event)) == 0
        assert not broken_rules(event)
        assert contract.key_of(event)


def test_every_event_has_an_example_with_all_of_its_fields() -> None:
    for name, event in golden.events().items():
        assert golden.fields(event), name
        assert [f.name for f in event.DESCRIPTOR.fields if not golden.is_set(event, f) and not f.containing_oneof] == [], name


def test_g13_something_was_released() -> None:
    assert RELEASED, "make baseline VERSION=..."


def test_bytes_of_another_event_are_seen() -> None:
    _, name, stored = RELEASED[0].values
    topic = carrying(str(name))[0]
    with pytest.raises(Permanent):
        envelope.decode(stored_as(str(name), topic), b"\xff" + base64.b64decode(stored["payload"]), topic)  # type: ignore[index]


EXPANDS = [
    "alter table journey add column note text",
    "alter table journey add column note text not null default ''",
    "alter table journey add column n bigint not null generated always as identity, add column m text",
    "create table note (note_id text primary key); alter table note add constraint c check (note_id <> ''); create unique index on note (note_id)",
    "create index on journey (note); drop index journey_old",
    "alter table journey drop constraint journey_state_check; alter table journey add constraint journey_state_check check (state in ('a', 'b'))",
    "drop view shown; create view shown as select 1",
    "alter table journey alter column note drop not null, alter column note set default ''",
    "create function f() returns trigger language plpgsql as $$ begin drop table journey; end $$",
    "-- drop table journey;\ninsert into note values ('drop table journey; alter')",
]
TIGHTENS = [
    "drop table journey",
    "alter table journey drop column note",
    "alter table journey rename column note to remark",
    "alter table journey rename to trip",
    "alter table journey alter column n type int",
    "alter table journey alter n set data type int",
    "alter table journey add column note text not null",
    "alter table journey add note text not null",
    "alter table journey add column a text, add column note text not null",
    "alter table journey alter column note set not null",
    "alter table journey alter column note drop default",
    "alter table journey add constraint c check (note <> '')",
    "alter table journey add check (note <> '')",
    "create unique index journey_note on journey (note)",
    "DROP VIEW shown",
    "truncate journey",
    "revoke insert on journey from public",
    "create table note (id text); revoke insert on note, journey from public",
]


@pytest.mark.parametrize("sql", EXPANDS)
def test_g13_what_adds_or_loosens_may_follow_a_release(sql: str) -> None:
    assert schema.tightens(sql) == []


@pytest.mark.parametrize("sql", TIGHTENS)
def test_g13_what_takes_or_tightens_is_named(sql: str) -> None:
    assert len(schema.tightens(sql)) == 1


@pytest.fixture(name="released")
def a_release(tmp_path: Path) -> Path:
    """Version 1.0.0 with one migration."""
    (tmp_path / "1.0.0.migrations.json").write_text(schema.shipped({"a/migrations/0001.sql": "create table a (x text)"}))
    return tmp_path


def test_g13_a_released_migration_stays_as_it_is(released: Path) -> None:
    assert schema.faults({"a/migrations/0001.sql": "create table a (x text)"}, released) == []
    assert "another text" in schema.faults({"a/migrations/0001.sql": "create table a (y text)"}, released)[0]
    assert "is gone" in schema.faults({}, released)[0]


def test_g13_only_what_came_after_the_newest_release_is_held_to_expand(released: Path) -> None:
    texts = {"a/migrations/0001.sql": "create table a (x text)", "a/migrations/0002.sql": "alter table a drop column x"}
    assert "code of 1.0.0" in schema.faults(texts, released)[0]
    (released / "1.1.0.migrations.json").write_text(schema.shipped(texts))
    assert schema.faults(texts, released) == []


def test_g13_what_no_release_needs_any_more_may_go_with_a_reason(released: Path) -> None:
    texts = {"a/migrations/0001.sql": "create table a (x text)"}
    going = "-- contracts after {version}: nobody reads x\nalter table a drop column x"
    (released / "1.10.0.migrations.json").write_text(schema.shipped(texts))
    assert schema.faults(texts | {"a/migrations/0002.sql": going.format(version="1.0.0")}, released) == []
    assert schema.faults(texts | {"a/migrations/0002.sql": going.format(version="1.10.0")}, released) != []
    assert schema.faults(texts | {"a/migrations/0002.sql": going.format(version="0.9.0")}, released) != []


def test_g13_todays_migrations_keep_what_was_released() -> None:
    assert schema.faults(schema.migrations(ROOT), BASELINES) == []
