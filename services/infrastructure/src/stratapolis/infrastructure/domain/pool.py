"""Pools: how much there is, how much is held, and what a reservation lacks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from stratapolis.infrastructure.domain.errors import PoolBelowHeld


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """A piece of a pool: CPU in thousandths of a core, memory in MiB."""

    cpu_millis: int
    memory_mib: int

    def __add__(self, other: Amount) -> Amount:
        return Amount(cpu_millis=self.cpu_millis + other.cpu_millis, memory_mib=self.memory_mib + other.memory_mib)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(cpu_millis=self.cpu_millis - other.cpu_millis, memory_mib=self.memory_mib - other.memory_mib)

    def times(self, replicas: int) -> Amount:
        """The same for several replicas."""
        return Amount(cpu_millis=self.cpu_millis * replicas, memory_mib=self.memory_mib * replicas)

    def covers(self, other: Amount) -> bool:
        """Is there enough of both?"""
        return self.cpu_millis >= other.cpu_millis and self.memory_mib >= other.memory_mib

    def __str__(self) -> str:
        return f"{self.cpu_millis} mCPU, {self.memory_mib} MiB"


NOTHING = Amount(cpu_millis=0, memory_mib=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What a value creator holds of a pool, or may hold: an amount in a number of replicas."""

    amount: Amount
    replicas: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a version of a service asks for."""

    each: Amount
    replicas: int

    @property
    def total(self) -> Amount:
        return self.each.times(self.replicas)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A pool as it stands; `used` never exceeds `capacity`."""

    name: str
    capacity: Amount
    used: Amount
    quota: Share

    @property
    def free(self) -> Amount:
        return self.capacity - self.used


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """One thing that a reservation lacks: `code` of the refusal, the manifest's `field` that asks for it, what would be right."""

    code: str
    field: str
    message: str
    hint: str


def shortages(pool: Pool, held: Share, need: Need, *, beside: str = "") -> tuple[Shortage, ...]:
    """All that stands against reserving `need` for a value creator who holds `held` of the pool; nothing: it may be reserved.

    `beside` names what an upgrade runs beside: both are held for a while, and that surge is what does not fit.
    """
    lacks = (*_no_capacity(pool, need), *_quota_exceeded(pool, held, need))
    return tuple(replace(lack, message=f"{lack.message}, beside {beside}") for lack in lacks) if beside else lacks


def _no_capacity(pool: Pool, need: Need) -> Iterator[Shortage]:
    for asked, free, unit, field in (
        (need.total.cpu_millis, pool.free.cpu_millis, "mCPU", "cpuMillis"),
        (need.total.memory_mib, pool.free.memory_mib, "MiB", "memoryMib"),
    ):
        if asked > free:
            yield Shortage(
                code="NO_CAPACITY",
                field=field,
                message=f"pool {pool.name} has {free} {unit} free, {asked} {unit} are asked for",
                hint=f"ask for at most {free // need.replicas} {unit} a replica, or for another pool" if free >= need.replicas else "ask for another pool",
            )


def _quota_exceeded(pool: Pool, held: Share, need: Need) -> Iterator[Shortage]:
    for asked, has, most, unit, field in (
        (need.total.cpu_millis, held.amount.cpu_millis, pool.quota.amount.cpu_millis, "mCPU", "cpuMillis"),
        (need.total.memory_mib, held.amount.memory_mib, pool.quota.amount.memory_mib, "MiB", "memoryMib"),
        (need.replicas, held.replicas, pool.quota.replicas, "replicas", "replicas"),
    ):
        if has + asked > most:
            yield Shortage(
                code="QUOTA_EXCEEDED",
                field=field,
                message=f"a value creator may hold {most} {unit} of pool {pool.name}; you hold {has}, {asked} more are asked for",
                hint=f"ask for at most {max(0, most - has)} {unit} in all, or retire another service",
            )


def resized(name: str, used: Amount, capacity: Amount) -> Amount:
    """The capacity of a pool that is registered again; below what is held it is refused."""
    if not capacity.covers(used):
        raise PoolBelowHeld(f"pool {name} cannot be made smaller than what is held of it: {used}", held=str(used))
    return capacity
