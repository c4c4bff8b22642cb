"""What is measured decides as a set of that size must."""

from __future__ import annotations

import cedarpy
import pytest

from benchmarks import decisions
from benchmarks.decisions import LAYER, MEMBER, RPC, THING


async def test_every_size_is_measured_afresh_and_remembered() -> None:
    found = {figure.what: figure.value for figure in await decisions.run(count=20)}
    assert len(found) == 3 * (len(decisions.SIZES) + 2)
    assert all(value > 0 for value in found.values())


@pytest.mark.parametrize("size", decisions.SIZES)
def test_of_so_many_rules_the_last_one_alone_permits(size: int) -> None:
    assert cedarpy.policies_to_json_str(decisions.rules(size)).count('"effect"') == size
    policies = decisions.in_force(decisions.rules(size))
    assert policies.may_call(MEMBER, LAYER, RPC, writes=True).policy_ids == (f"rule-{size - 1}",)
    assert not policies.may_call(THING, LAYER, RPC, writes=True).allowed


def test_a_set_that_decides_wrongly_is_not_measured() -> None:
    with pytest.raises(RuntimeError, match="a member may propose"):
        decisions.decided("nothing", "permit (principal, action, resource);", 5)
