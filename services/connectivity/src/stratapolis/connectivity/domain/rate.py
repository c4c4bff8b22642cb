"""Limits: how much in what time, and how many denials are worth a record of their own."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass, field

MOST_REMEMBERED = 10_000


@dataclass(slots=True)
class Limiter:
    """A token bucket a name: `rate` a second, `burst` at once. Times are seconds of any clock that only rises.

    The longest unused names are forgotten, so that made-up names cannot fill the memory.
    """

    rate: float
    burst: float
    _levels: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def wait(self, name: str, cost: float, now: float) -> float:
        """Take `cost` and return 0; or take nothing and return the seconds until it could be taken (infinite above the burst)."""
        level, since = self._levels.pop(name, (self.burst, now))
        level = min(self.burst, level + max(0.0, now - since) * self.rate)
        enough = cost <= level
        self._levels[name] = (level - cost if enough else level, now)
        if len(self._levels) > MOST_REMEMBERED:
            self._levels.popitem(last=False)
        if enough:
            return 0.0
        return math.inf if cost > self.burst else (cost - level) / self.rate


@dataclass(slots=True)
class Sampler:
    """Counts denials a subject and second; those past `most` are only counted."""

    most: int
    _seconds: dict[tuple[str, int], int] = field(default_factory=dict)

    def worth_a_record(self, subject: str, now: float) -> bool:
        """Whether this denial gets a record of its own."""
        place = (subject, int(now))
        self._seconds[place] = self._seconds.get(place, 0) + 1
        return self._seconds[place] <= self.most

    def unrecorded(self, now: float) -> dict[str, int]:
        """How many were only counted, by subject, in the seconds that are over; they are counted once."""
        over = [place for place in self._seconds if place[1] < int(now)]
        found: dict[str, int] = {}
        for place in over:
            beyond = self._seconds.pop(place) - self.most
            if beyond > 0:
                found[place[0]] = found.get(place[0], 0) + beyond
        return found
