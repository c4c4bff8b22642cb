"""Cedar in process: what a decision costs when it is asked afresh, by sets of 10, 100 and 1 000 policies, and when it is remembered."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from city.policy.v1.policies_pb2 import PolicyActivated
from stratapolis.chassis.identity import Caller
from stratapolis.chassis.policies import Decision, Entity, Policies, calling, use_of

from benchmarks.figure import Figure, quantile
from benchmarks.ground import ROOT

SIZES = (10, 100, 1_000)
COUNT = 2_000
FOUNDING = ROOT / "services" / "policy" / "src" / "stratapolis" / "policy" / "founding.cedar"
LAYER, RPC = "governance", "ProposeService"
MEMBER = Caller(subject="person-ada", kind="person", creator="creator-harbour")
THING = Caller(subject="thing-lamp", kind="thing")
# In the form of the founding set's rules: some actions by name, and who may.
RULE = """
@id("rule-{n}")
permit (principal is Caller, action in [Action::"{layer}.{first}", Action::"{layer}.Other{n}"], resource)
when {{ principal.member && ["person", "system"].contains(principal.kind) }};
"""


async def run(*, count: int = COUNT) -> list[Figure]:
    """Each set's decisions for callers of two kinds in turn: one whom exactly one rule permits, one whom none does."""
    found = [figure for size in SIZES for figure in decided(f"{size:,} policies", rules(size), count)]
    found += decided("the founding set", FOUNDING.read_text(), count)
    policies = in_force(FOUNDING.read_text())
    return [*found, *asked("a decision remembered", count, lambda caller: policies.may_call(caller, LAYER, RPC, writes=True))]


def rules(size: int) -> str:
    """A set of so many policies, of which the last one is about the call that is asked for."""
    return "".join(RULE.format(n=n, layer=LAYER, first=RPC if n == size - 1 else f"Call{n}") for n in range(size))


def in_force(cedar: str) -> Policies:
    """A set as a layer holds it once it has heard that it is active."""
    active = PolicyActivated(name="city", version=1, cedar=cedar)
    return Policies(lambda: active)


def decided(what: str, cedar: str, count: int) -> list[Figure]:
    """What a set's decisions cost when nothing is remembered; the set is parsed before."""
    policies = in_force(cedar)
    return asked(f"a decision, {what}", count, lambda caller: policies.decide(calling(caller), use_of(LAYER, RPC, writes=True), Entity("Layer", LAYER)))


def asked(what: str, count: int, decide: Callable[[Caller], Decision]) -> list[Figure]:
    """The latency of single decisions and how many a core takes a second. A set that decides wrongly is not measured."""
    if [decide(caller).allowed for caller in (MEMBER, THING)] != [True, False]:
        raise RuntimeError(f"{what}: a member may propose, a thing may not")
    took = list(each(count, decide))
    return [
        Figure(f"{what}, p50", quantile(took, 0.5) * 1e6, "us"),
        Figure(f"{what}, p99", quantile(took, 0.99) * 1e6, "us"),
        Figure(f"{what}, a second", len(took) / sum(took), "1/s", note="one core"),
    ]


def each(count: int, decide: Callable[[Caller], Decision]) -> Iterable[float]:
    """Seconds of each of so many decisions."""
    for n in range(count):
        began = time.perf_counter()
        decide(THING if n % 2 else MEMBER)
        yield time.perf_counter() - began
