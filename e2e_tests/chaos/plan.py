"""What is done to the city, made from a seed: kills, and with them freezes, cuts and rebalances."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import chain
from typing import Any

STORES = ("kafka", "postgres")
FREEZES, CUTS, REBALANCES = 0.4, 0.8, 0.3
"""For each kill, so many."""


class Harm(Enum):
    """What is done."""

    KILL = "killed"
    FREEZE = "frozen"
    RESET = "reset"
    STALL = "stalled"
    DELAY = "delayed"
    HALF_OPEN = "half-open"
    CUT_AFTER = "cut after some bytes"
    REBALANCE = "rebalanced"


CUT = (Harm.RESET, Harm.STALL, Harm.DELAY, Harm.HALF_OPEN, Harm.CUT_AFTER)


@dataclass(frozen=True, slots=True)
class Fault:
    """One harm to one target: a process, a proxy, or a layer's consumer group."""

    harm: Harm
    target: str
    seconds: float = 0.0
    """How long it lasts, for what lasts."""
    amount: float = 0.0
    """Of a reset the share of connections, of a delay the seconds, of a cut the bytes."""


def plan(rng: random.Random, kills: int, *, processes: Sequence[str], proxies: Sequence[str], layers: Sequence[str]) -> list[Fault]:
    """So many kills and what comes with them, in an order of the seed's. Every process is killed once before one is killed twice."""
    victims = list(chain.from_iterable(_shuffled(rng, [*processes, *STORES]) for _ in range(1 + kills // (len(processes) + len(STORES)))))
    faults = [Fault(Harm.KILL, victim) for victim in victims[:kills]]
    faults += [Fault(Harm.FREEZE, rng.choice([*processes, *STORES]), rng.uniform(0.5, 6.0)) for _ in range(round(FREEZES * kills))]
    faults += [_cut(rng, CUT[number % len(CUT)], proxies) for number in range(round(CUTS * kills))]
    faults += [Fault(Harm.REBALANCE, rng.choice(layers)) for _ in range(round(REBALANCES * kills))]
    return _shuffled(rng, faults)


def _cut(rng: random.Random, harm: Harm, proxies: Sequence[str]) -> Fault:
    target = "kafka" if rng.random() < 0.3 else rng.choice(proxies)
    amounts = {Harm.RESET: rng.choice([0.3, 1.0]), Harm.DELAY: rng.uniform(0.02, 0.3), Harm.CUT_AFTER: rng.randrange(1, 200_000)}
    lasts = 0.0 if harm in {Harm.RESET, Harm.HALF_OPEN} else rng.uniform(0.5, 4.0)
    return Fault(harm, target, lasts, amounts.get(harm, 0.0))


def _shuffled(rng: random.Random, what: Sequence[Any]) -> list[Any]:
    return rng.sample(list(what), len(what))
