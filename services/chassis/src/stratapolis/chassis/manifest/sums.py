"""Rules between the fields of a manifest: sums, dates, doubles, and what each business model asks for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from city.manifest.v1.manifest_pb2 import Manifest, Model, Plan, Spec
from stratapolis.chassis.manifest.faults import Found
from stratapolis.chassis.tables.currencies import currencies

WHOLE = 10_000
"""Basis points of all shares together."""


def keep(manifest: Manifest, found: Found) -> None:
    """Tell of every rule between fields that is broken, on values that are right by themselves."""
    spec = manifest.spec
    _doubles(((f"spec.outcomes[{i}].name", o.name) for i, o in enumerate(spec.outcomes)), "outcome", found)
    keys = ((f"spec.outcomes[{i}].indicator", (o.indicator.framework, o.indicator.code, o.indicator.measure)) for i, o in enumerate(spec.outcomes))
    _doubles(((path, ": ".join(filter(None, key))) for path, key in keys), "indicator", found)
    _doubles(((f"spec.price.plans[{i}].name", p.name) for i, p in enumerate(spec.price.plans)), "plan", found)
    _doubles(((f"spec.funding[{i}].source", f.source) for i, f in enumerate(spec.funding)), "funding source", found)
    _doubles(((f"spec.data[{i}].product", d.product) for i, d in enumerate(spec.data)), "data product", found)
    _doubles(((f"spec.partnership.shares[{i}].party", s.party) for i, s in enumerate(spec.partnership.shares)), "party", found)
    _shares(spec, found)
    _dates(spec, found)
    for index, plan in enumerate(spec.price.plans):
        _plan(plan, f"spec.price.plans[{index}]", found)
    _currency(spec, found)


def _doubles(named: Iterable[tuple[str, str]], noun: str, found: Found) -> None:
    seen = dict[str, str]()
    for path, name in named:
        if not name:
            continue
        if name in seen:
            line, _ = found.place(seen[name])
            found.add(path, f"the {noun} `{name[:60]}` stands here twice", f"it stands in line {line} already: keep one")
        seen.setdefault(name, path)


def _shares(spec: Spec, found: Found) -> None:
    path = "spec.partnership.shares"
    total = sum(share.basis_points for share in spec.partnership.shares)
    if spec.partnership.shares and total != WHOLE and not found.is_spoilt(path):
        found.add(path, f"the shares add up to {total:,} basis points", f"make them {WHOLE:,}: {abs(WHOLE - total):,} {'more' if total < WHOLE else 'less'}")


def _dates(spec: Spec, found: Found) -> None:
    for index, use in enumerate(spec.data):
        path = f"spec.data[{index}]"
        start, end = (_date(text, f"{path}.{name}", found) for name, text in (("start", use.start), ("end", use.end)))
        if start and end and end <= start:
            found.add(f"{path}.end", f"{use.end} is not after the start, {use.start}", "a use ends after it starts")


def _date(text: str, path: str, found: Found) -> date | None:
    if not text or found.is_spoilt(path):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        found.add(path, f"there is no day {text}", "write year, month and day such as 2026-01-31")
        return None


def _plan(plan: Plan, path: str, found: Found) -> None:
    """What a model asks for and what it has no place for."""
    wanted = {Model.MODEL_FREE: (), Model.MODEL_SUBSCRIPTION: ("fee",), Model.MODEL_PAY_PER_USE: ("tiers",)}.get(plan.model)
    if wanted is None:
        return
    model = {Model.MODEL_FREE: "free", Model.MODEL_SUBSCRIPTION: "subscription"}.get(plan.model, "payPerUse")
    for name, value in (("fee", plan.fee), ("tiers", plan.tiers)):
        if value and name not in wanted:
            found.add(
                f"{path}.{name}", f"a plan of the model `{model}` has no {name}", f"leave it out, or choose {'subscription' if name == 'fee' else 'payPerUse'}"
            )
        if not value and name in wanted and not found.is_spoilt(f"{path}.{name}"):
            found.add(f"{path}.{name}", f"a plan of the model `{model}` needs {'a fee' if name == 'fee' else 'tiers'}", "say it, or choose `model: free`")
    if plan.cap and plan.model == Model.MODEL_FREE:
        found.add(f"{path}.cap", "a plan of the model `free` has no cap", "leave it out")
    if plan.model == Model.MODEL_PAY_PER_USE and plan.tiers:
        _tiers(plan, path, found)


def _tiers(plan: Plan, path: str, found: Found) -> None:
    reached = 0
    for index, tier in enumerate(plan.tiers):
        here, is_last = f"{path}.tiers[{index}]", index == len(plan.tiers) - 1
        if found.is_spoilt(f"{here}.upTo"):
            return
        if is_last and tier.up_to:
            found.add(f"{here}.upTo", "the last tier has no end", "leave upTo out: somebody may use more")
        elif not is_last and not tier.up_to:
            found.add(f"{here}.upTo", "only the last tier is without an end", "say up to which use this price holds")
        elif not is_last and tier.up_to <= reached:
            found.add(f"{here}.upTo", f"{tier.up_to} is not above the tier before, {reached}", "tiers stand in rising order")
        reached = max(reached, tier.up_to)


def _currency(spec: Spec, found: Found) -> None:
    path, code = "spec.price.currency", spec.price.currency
    costs = bool(spec.funding) or any(plan.fee or plan.tiers for plan in spec.price.plans)
    if found.is_spoilt(path):
        return
    if not code and costs:
        found.add(path, "something costs money, but in no currency", "say an ISO 4217 code such as EUR")
    elif code and code not in currencies():
        found.add(path, f"{code} is no ISO 4217 currency in which money is kept", "EUR is one")
    elif code:
        _amounts(spec, code, found)


def _amounts(spec: Spec, code: str, found: Found) -> None:
    """What is paid as it stands has no more digits than the currency; a unit price may be finer, since it is multiplied first."""
    digits = currencies()[code].minor_units
    amounts = [(f"spec.price.plans[{i}].{name}", getattr(plan, name)) for i, plan in enumerate(spec.price.plans) for name in ("fee", "cap")]
    amounts += [(f"spec.funding[{i}].amount", funding.amount) for i, funding in enumerate(spec.funding)]
    for path, text in amounts:
        if not text or found.is_spoilt(path):
            continue
        if -Decimal(text).as_tuple().exponent > digits:  # type: ignore[operator]  # a pattern has let no NaN in
            found.add(path, f"{text} has more digits than {code} has", f"{digits} behind the point" if digits else "no digits behind the point")
