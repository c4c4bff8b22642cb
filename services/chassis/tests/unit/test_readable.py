"""A record that aiokafka cannot read is read all the same, and so are those beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from aiokafka.record.memory_records import MemoryRecords
from stratapolis.chassis import envelope
from stratapolis.chassis.errors import Permanent
from stratapolis.chassis.readable import read_every_record

PLAIN, GZIP = 0, 1


class Name(str):
    """A header's name that is no text."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return super().encode("latin-1")


@pytest.fixture(autouse=True)
def _restored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher, "MemoryRecords", MemoryRecords)
    read_every_record()


def a_batch(*names: str, compression: int = PLAIN) -> bytes:
    builder = _DefaultRecordBatchBuilderPy(
        magic=2, compression_type=compression, is_transactional=0, producer_id=-1, producer_epoch=-1, base_sequence=-1, batch_size=9_999
    )
    for number, name in enumerate(names):
        builder.append(number, 1_700_000_000_000 + number, b"key", b"value %d" % number, [(name, b"1"), ("ce_id", b"\xff")])
    return bytes(builder.build())


def read(data: bytes) -> list[tuple[int, bool, Any]]:
    records, found = fetcher.MemoryRecords(data), []
    while records.has_next():
        batch = records.next_batch()
        whole = batch.validate_crc()
        found += [(batch.next_offset, whole, record) for record in batch]
    return found


@pytest.mark.parametrize("compression", [PLAIN, GZIP])
def test_a_header_name_that_is_no_utf8_keeps_no_record_of_its_batch_from_being_read(compression: int) -> None:
    data = a_batch("good", Name("ce_\xff\xfe"), "größer", compression=compression)
    with pytest.raises(UnicodeDecodeError):
        list(MemoryRecords(data).next_batch())
    found = read(data)
    assert [record.value for _, _, record in found] == [b"value 0", b"value 1", b"value 2"]
    assert [record.headers[0][0] for _, _, record in found] == ["good", "ce_\udcff\udcfe", "größer"]
    assert {(end, whole) for end, whole, _ in found} == {(3, True)}
    first = found[0][2]
    assert (first.offset, first.timestamp, first.key, first.headers[1]) == (0, 1_700_000_000_000, b"key", ("ce_id", b"\xff"))


def test_batches_that_can_be_read_are_read_as_they_always_were() -> None:
    data = a_batch("a") + a_batch("b", "c")
    assert [record.headers for _, _, record in read(data)] == [record.headers for batch in _batches(MemoryRecords(data)) for record in batch]


def test_what_ends_within_a_batch_is_left_for_the_next_fetch() -> None:
    data = a_batch("a") + a_batch(Name("\xff"))[:-1]
    assert len(read(data)) == 1


@pytest.mark.parametrize(("name", "refused"), [("\udcff", True), ("größer", False)])
def test_an_envelope_with_a_name_that_is_no_text_is_refused(name: str, refused: bool) -> None:
    if not refused:
        assert envelope.read([(name, b"x")]).id == ""
        return
    with pytest.raises(Permanent, match="header name is not UTF-8"):
        envelope.read([(name, b"x")])


def _batches(records: Any) -> Iterator[Any]:
    while records.has_next():
        yield records.next_batch()
