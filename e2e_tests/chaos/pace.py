"""Flows that go side by side: none is far ahead of another, so that what is killed is killed under load until the end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

AHEAD = 0.1
"""How far a flow may be ahead of the slowest, as a share of its whole."""


class Pace:
    """Counts what each flow has begun of its whole.

    while await pace.turn("journeys"):
        ...begin one more...
    """

    def __init__(self, wholes: Mapping[str, int], *, seconds: float) -> None:
        self._wholes = dict(wholes)
        self.begun = dict.fromkeys(wholes, 0)
        self._ends = time.monotonic() + seconds
        self._moved = asyncio.Condition()

    def share(self, flow: str) -> float:
        """How much of its whole a flow has begun, from 0 to 1."""
        return min(1.0, self.begun[flow] / self._wholes[flow]) if self._wholes[flow] else 1.0

    async def turn(self, flow: str) -> bool:
        """Wait until one more may begin and count it; False when the flow has all of its whole, or the time is over."""
        async with self._moved:
            while self.share(flow) < 1.0:
                left = self._ends - time.monotonic()
                if left <= 0:
                    return False
                if self.share(flow) <= min(map(self.share, self._wholes)) + AHEAD:
                    self.begun[flow] += 1
                    self._moved.notify_all()
                    return True
                try:
                    await asyncio.wait_for(self._moved.wait(), left)
                except TimeoutError:
                    return False
        return False
