"""Nothing is given out that is not there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stratapolis.infrastructure.domain.errors import PoolBelowHeld
from stratapolis.infrastructure.domain.pool import NOTHING, Amount, Need, Pool, Share, resized, shortages

millis = st.integers(10, 4_000)
mib = st.integers(16, 4_096)
needs = st.builds(Need, each=st.builds(Amount, cpu_millis=millis, memory_mib=mib), replicas=st.integers(1, 5))


def a_pool(cpu: int = 4_000, memory: int = 4_096, *, used: Amount = NOTHING, quota: Share | None = None) -> Pool:
    whole = Amount(cpu_millis=cpu, memory_mib=memory)
    return Pool(name="city", capacity=whole, used=used, quota=quota or Share(amount=whole, replicas=20))


def a_need(cpu: int = 100, memory: int = 128, replicas: int = 1) -> Need:
    return Need(each=Amount(cpu_millis=cpu, memory_mib=memory), replicas=replicas)


@given(st.lists(st.tuples(st.sampled_from("abc"), needs), max_size=40))
def test_whatever_is_asked_for_a_pool_and_its_quotas_are_never_exceeded(asked: list[tuple[str, Need]]) -> None:
    pool = a_pool(quota=Share(amount=Amount(cpu_millis=2_500, memory_mib=3_000), replicas=6))
    held = {owner: Share(amount=NOTHING, replicas=0) for owner in "abc"}
    for owner, need in asked:
        fits_pool = pool.free.covers(need.total)
        fits_quota = pool.quota.amount.covers(held[owner].amount + need.total) and held[owner].replicas + need.replicas <= 6
        found = shortages(pool, held[owner], need)
        assert (not found) == (fits_pool and fits_quota)
        assert any(s.code == "NO_CAPACITY" for s in found) == (not fits_pool)
        assert any(s.code == "QUOTA_EXCEEDED" for s in found) == (not fits_quota)
        if not found:
            pool = Pool(name=pool.name, capacity=pool.capacity, used=pool.used + need.total, quota=pool.quota)
            held[owner] = Share(amount=held[owner].amount + need.total, replicas=held[owner].replicas + need.replicas)
    assert pool.capacity.covers(pool.used)
    assert sum((share.amount for share in held.values()), NOTHING) == pool.used


def test_a_shortage_names_what_is_free_and_what_would_fit() -> None:
    (found,) = shortages(a_pool(used=Amount(cpu_millis=3_500, memory_mib=0)), Share(amount=NOTHING, replicas=0), a_need(cpu=300, replicas=2))
    assert (found.code, found.field) == ("NO_CAPACITY", "cpuMillis")
    assert "500 mCPU free, 600 mCPU are asked for" in found.message
    assert "at most 250 mCPU a replica" in found.hint


def test_all_shortages_are_found_at_once() -> None:
    quota = Share(amount=Amount(cpu_millis=100, memory_mib=100), replicas=1)
    found = shortages(a_pool(1_000, 1_000, quota=quota), Share(amount=NOTHING, replicas=0), a_need(600, 600, 2))
    assert [(s.code, s.field) for s in found] == [
        ("NO_CAPACITY", "cpuMillis"), ("NO_CAPACITY", "memoryMib"),
        ("QUOTA_EXCEEDED", "cpuMillis"), ("QUOTA_EXCEEDED", "memoryMib"), ("QUOTA_EXCEEDED", "replicas"),
    ]  # fmt: skip


def test_exactly_what_is_free_is_given() -> None:
    assert shortages(a_pool(1_000, 512), Share(amount=NOTHING, replicas=0), a_need(500, 256, 2)) == ()


def test_a_pool_below_what_is_held_is_refused() -> None:
    used = Amount(cpu_millis=500, memory_mib=500)
    assert resized("city", used, used) == used
    with pytest.raises(PoolBelowHeld, match="500 mCPU, 500 MiB"):
        resized("city", used, Amount(cpu_millis=499, memory_mib=9_999))
