"""No question to the layers breaks a rule of the contract: what would be no refusal of theirs but a dead letter in each is refused at proposal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from city.governance.v1.events_pb2 import StageRequested
from city.manifest.v1.manifest_pb2 import Manifest
from google.protobuf.descriptor import FieldDescriptor as F
from google.protobuf.message import Message
from stratapolis.chassis import manifest as manifests
from stratapolis.chassis.validation import broken_rules
from stratapolis.governance.codec.journeys import events

from services.governance.tests.unit.builders import a_journey

RICH = b"""
apiVersion: city/v1
kind: Service
metadata: {name: rowing-lessons, title: Rowing lessons, description: Rowing lessons for anybody who can swim.}
spec:
  category: leisure
  stakeholders: [resident, visitor]
  outcomes: [{name: More people move more, indicator: {framework: city, code: uses}, target: 25.50}]
  price: {currency: EUR, plans: [{name: by-use, model: pay-per-use, tiers: [{upTo: 100, unitPrice: 0.05}, {unitPrice: "0.02"}]}]}
  partnership: {agreement: a-1, shares: [{party: north, basisPoints: 6000}, {party: city, basisPoints: 4000}]}
  data: [{product: traffic, purpose: finding the quickest way, start: 2026-01-31, end: 2027-01-31}]
  accessibility: {wcagLevel: AA, languages: [en, de], offlineChannel: the boat house}
  place: {latitude: 52.5, longitude: 13}
  runtime: {process: {artefact: guide, health: /health, cpuMillis: 100, memoryMib: 64}}
"""
TEXTS = ["", " ", "x", "a-b", "x" * 63, "x" * 5_000, "-1", "0.005", "2026-02-30", "null", "a\nb"]
NUMBERS = [-(2**31), -1, 0, 1, 10_000, 10_001, 2**31 - 1]
DECIMALS = [-181.0, -90.0, 0.0, 90.5, 180.0, 1e300]


def parts(message: Message) -> Iterator[Message]:
    """A message and all that is in it."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for inner in value if field.is_repeated else (value,):
                yield from parts(inner)


def changes(manifest: Manifest) -> Iterator[Manifest]:
    """The manifest with one field changed, each field of each part in turn, to what may or may not be allowed."""
    for number, part in enumerate(parts(manifest)):
        for field in part.DESCRIPTOR.fields:
            for value in (None, *candidates(field)):
                changed = Manifest.FromString(manifest.SerializeToString())
                put(next(islice(parts(changed), number, None)), field, value)
                yield changed


def candidates(field: Any) -> Iterable[Any]:
    """Values of a field."""
    if field.is_repeated:
        return (1, 30)
    if field.enum_type is not None:
        return [value.number for value in field.enum_type.values if value.number]
    by_type: dict[int, Iterable[Any]] = {F.TYPE_STRING: TEXTS, F.TYPE_DOUBLE: DECIMALS, F.TYPE_BOOL: [True], F.TYPE_MESSAGE: [...]}
    return by_type.get(field.type, NUMBERS)


def put(message: Message, field: Any, value: Any) -> None:
    """A value into its field; into a repeated one so many times what it has."""
    if value is None:
        message.ClearField(field.name)
    elif field.is_repeated:
        values: Any = getattr(message, field.name)
        values.extend(list(values) * value)
    elif value is ...:
        getattr(message, field.name).SetInParent()
    else:
        setattr(message, field.name, value)


def test_what_governance_takes_no_layer_finds_broken() -> None:
    right, _ = manifests.read(RICH)
    assert right is not None
    taken, refused = 0, 0
    for changed in changes(right):
        manifest, faults = manifests.read(manifests.write(changed).encode())
        refused += bool(faults)
        if manifest is not None:
            taken += 1
            assert [broken_rules(event) for event in events(*a_journey(), manifest) if isinstance(event, StageRequested)] == [()], changed
    assert min(taken, refused) > 50, (taken, refused)


def test_a_question_with_a_broken_manifest_would_be_seen() -> None:
    (asked,) = (event for event in events(*a_journey(), Manifest(kind="Nonsense")) if isinstance(event, StageRequested))
    assert any(broken.path.startswith("manifest.") for broken in broken_rules(asked))
