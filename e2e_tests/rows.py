"""What an RPC that owners may call has to do with rows of one owner: the kinds of lines of the table in test_g11_owners.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from google.protobuf.message import Message
from stratapolis.chassis.ids import new_id


@dataclass(frozen=True, slots=True)
class Names:
    """An RPC that names a row: of which kind, how it is asked for, what the id of none begins with. `by_service`: its right caller is the service itself."""

    kind: str
    request: Callable[[str], Message]
    none: str = ""
    by_service: bool = False

    def an_id(self) -> str:
        """The id of nothing, in the form of the real ones."""
        return f"{self.none}{new_id()}"


@dataclass(frozen=True, slots=True)
class Lists:
    """An RPC that lists or counts rows. `kinds` are those whose ids the owner finds in it and nobody else may."""

    kinds: tuple[str, ...]
    request: Message | Callable[[Mapping[str, str]], Message]

    def asked(self, ids: Mapping[str, str]) -> Message:
        """The request, filtered where the RPC wants it."""
        return self.request if isinstance(self.request, Message) else self.request(ids)


@dataclass(frozen=True, slots=True)
class Free:
    """An RPC that shows no row of another's, and why."""

    why: str


NEW = Free("makes a row of the caller's own and names no other")
EVERYBODYS = Free("what it shows is there for everybody")
