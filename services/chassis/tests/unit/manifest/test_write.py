"""Every manifest that is right comes back as itself from its YAML."""

from __future__ import annotations

from city.manifest.v1.manifest_pb2 import (
    Accessibility,
    DataUse,
    Funding,
    Manifest,
    Metadata,
    Model,
    Outcome,
    Partnership,
    Plan,
    Price,
    Privacy,
    Process,
    Requests,
    Runtime,
    Spec,
    Stakeholder,
    Tier,
    WcagLevel,
)
from city.types.v1.types_pb2 import IndicatorKey, Place, Share
from hypothesis import given
from hypothesis import strategies as st
from stratapolis.chassis.manifest import read, write

from services.chassis.tests.unit.manifest.good import GOOD

TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("\n\t"), min_size=10, max_size=60)
AWKWARD = st.sampled_from(["null", "true", "~", "12", "1e3", "2026-01-01", "- a", "a: b", "# c", "'", '"', "no", "*x", "!t", "=", "<<"]).map(
    lambda text: text.ljust(10, ".")
)
WORDS = TEXT | AWKWARD
NAMES = st.from_regex(r"[a-z][a-z0-9-]{1,20}", fullmatch=True)
CENTS = st.decimals(0, 10**9, places=2).map(str)


@st.composite
def plans(draw: st.DrawFn, name: str) -> Plan:
    model = draw(st.sampled_from([Model.MODEL_FREE, Model.MODEL_SUBSCRIPTION, Model.MODEL_PAY_PER_USE]))
    plan = Plan(name=name, model=model)
    if model == Model.MODEL_SUBSCRIPTION:
        plan.fee = draw(CENTS)
    if model == Model.MODEL_PAY_PER_USE:
        ends = sorted(draw(st.sets(st.integers(1, 10**12), max_size=4)))
        plan.tiers.extend(Tier(up_to=end, unit_price=draw(CENTS)) for end in [*ends, 0])
    return plan


@st.composite
def shares(draw: st.DrawFn) -> list[Share]:
    parties = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    cuts = sorted(draw(st.lists(st.integers(0, 10_000), min_size=len(parties) - 1, max_size=len(parties) - 1)))
    return [Share(party=p, basis_points=b - a) for p, a, b in zip(parties, [0, *cuts], [*cuts, 10_000], strict=True)]


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    keys = draw(st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=3, unique=True))
    names = draw(st.lists(WORDS, min_size=len(keys), max_size=len(keys), unique=True))
    spec = Spec(
        category="mobility",
        stakeholders=draw(st.lists(st.sampled_from(Stakeholder.values()[1:]), min_size=1, unique=True)),
        outcomes=[
            Outcome(name=n, indicator=IndicatorKey(framework=f, code=c), target=draw(st.sampled_from(["", "-1.5", "7"])))
            for n, (f, c) in zip(names, keys, strict=True)
        ],
        price=Price(currency="EUR", plans=[draw(plans(name)) for name in draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))]),
        funding=[Funding(source=s, amount=draw(CENTS)) for s in draw(st.lists(NAMES, max_size=2, unique=True))],
        data=[DataUse(product=p, purpose=draw(WORDS), end="2027-01-31") for p in draw(st.lists(NAMES, max_size=2, unique=True))],
        runtime=Runtime(process=Process(artefact="guide", health="/health", cpu_millis=draw(st.integers(10, 64_000)), memory_mib=64)),
    )
    if draw(st.booleans()):
        spec.partnership.CopyFrom(Partnership(agreement="a", shares=draw(shares())))
        spec.accessibility.CopyFrom(Accessibility(wcag_level=draw(st.sampled_from(WcagLevel.values()[1:])), languages=["no"], offline_channel=draw(WORDS)))
        spec.privacy.CopyFrom(Privacy(personal_data=draw(st.booleans()), impact_assessment=draw(WORDS)))
        spec.place.CopyFrom(Place(latitude=draw(st.floats(-90, 90)), longitude=draw(st.floats(-180, 180))))
        spec.requests.CopyFrom(Requests(answer_within_hours=draw(st.integers(1, 8760))))
        spec.runtime.none.SetInParent()
    return Manifest(api_version="city/v1", kind="Service", metadata=Metadata(name=draw(NAMES), title=draw(WORDS), description=draw(WORDS)), spec=spec)


@given(manifests())
def test_a_manifest_comes_back_from_its_yaml(manifest: Manifest) -> None:
    assert read(write(manifest).encode()) == (manifest, ())


def test_what_is_written_reads_as_a_person_would_write_it() -> None:
    manifest, _ = read(GOOD.encode())
    assert manifest is not None
    text = write(manifest)
    assert text.startswith("apiVersion: city/v1\nkind: Service\nmetadata:\n  name: traffic-guide\n")
    assert "model: payPerUse" in text and "wcagLevel: AA" in text
