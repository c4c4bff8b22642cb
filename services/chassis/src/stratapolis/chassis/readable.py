"""Every record can be read, whatever its headers are called. aiokafka decodes header names as UTF-8 and fails the whole record batch on one that is not,
for ever: the good records beside it would be lost with it, and a reader of a compacted topic would never get past it.

Such a batch is read again here, by aiokafka's own Python parser, with the names' other bytes as surrogates (PEP 383); `envelope.read` refuses them, so
that the one record becomes a dead letter with all its bytes, like any other that cannot be applied.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, SupportsIndex, overload

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy


def read_every_record() -> None:
    """Have this process's consumers read every record; doing it again changes nothing."""
    fetcher.MemoryRecords = _Records


class _Records(_MemoryRecordsPy):  # type: ignore[misc]
    """What one fetch brought for a partition, batch by batch: aiokafka's fast parser, and the bytes to read a batch again with."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._fast = MemoryRecords(data)

    def next_batch(self) -> Any:
        """The next batch."""
        raw = self._next_slice
        self._cache_next()
        batch = self._fast.next_batch()
        return batch if raw is None else _Batch(batch, raw)


class _Batch:
    """One batch, as aiokafka has it but for its records."""

    def __init__(self, batch: Any, raw: memoryview) -> None:
        self._batch, self._raw = batch, raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        try:
            return iter(list(self._batch))
        except UnicodeDecodeError:
            return iter(_Tolerant(self._raw))


class _Tolerant(_DefaultRecordBatchPy):  # type: ignore[misc]
    """A batch whose header names may be any bytes."""

    _buffer: bytearray

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer = _Bytes(self._buffer)


class _Bytes(bytearray):
    """Bytes that decode to text whatever they are, and so do their parts."""

    @overload
    def __getitem__(self, where: SupportsIndex) -> int: ...
    @overload
    def __getitem__(self, where: slice) -> _Bytes: ...
    def __getitem__(self, where: SupportsIndex | slice) -> int | _Bytes:
        part = super().__getitem__(where)
        return part if isinstance(part, int) else _Bytes(part)

    def decode(self, encoding: str = "utf-8", errors: str = "surrogateescape") -> str:  # noqa: ARG002 - asked for strictly
        return super().decode(encoding, "surrogateescape")
