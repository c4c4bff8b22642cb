"""Pools and amounts on the wire."""

from __future__ import annotations

from datetime import datetime

from city.infrastructure.v1 import pool_pb2 as pb
from city.infrastructure.v1.events_pb2 import CapacityReleased
from city.manifest.v1.manifest_pb2 import Process
from stratapolis.chassis.times import to_timestamp
from stratapolis.infrastructure.domain.pool import Amount, Need, Pool, Share
from stratapolis.infrastructure.store.pools import Allocation


def amount(value: Amount) -> pb.Amount:
    """An amount for the wire."""
    return pb.Amount(cpu_millis=value.cpu_millis, memory_mib=value.memory_mib)


def amount_of(message: pb.Amount) -> Amount:
    """An amount from the wire."""
    return Amount(cpu_millis=message.cpu_millis, memory_mib=message.memory_mib)


def quota_of(message: pb.Quota) -> Share:
    """A quota from the wire; 0 stays 0: the city's default."""
    return Share(amount=Amount(cpu_millis=message.cpu_millis, memory_mib=message.memory_mib), replicas=message.replicas)


def need_of(process: Process) -> Need:
    """What a manifest asks for; no replicas said: one."""
    return Need(each=Amount(cpu_millis=process.cpu_millis, memory_mib=process.memory_mib), replicas=process.replicas or 1)


def shown(pool: Pool, created_at: datetime) -> pb.Pool:
    """A pool as its RPCs show it."""
    own = pool.quota
    return pb.Pool(
        name=pool.name, capacity=amount(pool.capacity), used=amount(pool.used), free=amount(pool.free),
        quota=pb.Quota(cpu_millis=own.amount.cpu_millis, memory_mib=own.amount.memory_mib, replicas=own.replicas), create_time=to_timestamp(created_at),
    )  # fmt: skip


def released(allocation: Allocation) -> CapacityReleased:
    """Said when it is free again."""
    return CapacityReleased(
        service_id=allocation.service_id, version=allocation.version, pool=allocation.pool, cpu_millis=allocation.amount.cpu_millis,
        memory_mib=allocation.amount.memory_mib,
    )  # fmt: skip
