"""What is wrong with a manifest is told at its line, all of it at once, with what would be right."""

from __future__ import annotations

import pytest
from city.manifest.v1.manifest_pb2 import Manifest, Model, Stakeholder, WcagLevel
from stratapolis.chassis.manifest import Fault, read

from services.chassis.tests.unit.manifest.good import GOOD


def changed(old: str, new: str) -> bytes:
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new).encode()


def faults(text: bytes) -> list[Fault]:
    manifest, found = read(text)
    assert manifest is None
    return list(found)


def the_fault(text: bytes) -> Fault:
    (fault,) = faults(text)
    return fault


def the_manifest(text: bytes) -> Manifest:
    manifest, found = read(text)
    assert manifest is not None, found
    return manifest


def test_a_manifest_is_read_field_by_field() -> None:
    spec = the_manifest(GOOD.encode()).spec
    assert list(spec.stakeholders) == [Stakeholder.STAKEHOLDER_RESIDENT, Stakeholder.STAKEHOLDER_VISITOR]
    assert spec.outcomes[0].indicator.code == "delay"
    assert spec.price.plans[0].model == Model.MODEL_PAY_PER_USE
    assert [(t.up_to, t.unit_price) for t in spec.price.plans[0].tiers] == [(100, "0.05"), (0, "0.02")]
    assert spec.accessibility.wcag_level == WcagLevel.WCAG_LEVEL_AA
    assert (spec.place.latitude, spec.place.longitude) == (52.5, 13.0)
    assert spec.runtime.WhichOneof("software") == "none"


def test_text_is_taken_as_it_is_written() -> None:
    spec = the_manifest(GOOD.encode()).spec
    assert spec.outcomes[0].target == "25.50"
    assert list(spec.accessibility.languages) == ["no", "de"]
    assert spec.data[0].end == "2027-01-31"


@pytest.mark.parametrize("word", ["payPerUse", "pay-per-use", "PAY_PER_USE"])
def test_a_model_may_be_spelt_in_each_usual_way(word: str) -> None:
    assert the_manifest(changed("pay-per-use", word)).spec.price.plans[0].model == Model.MODEL_PAY_PER_USE


def test_all_faults_are_told_at_once_in_the_order_of_the_text() -> None:
    text = GOOD.replace("kind: Service", "kind: Thing").replace("EUR", "EUX").replace("6000", "5000").replace("2027-01-31", "2025-01-31")
    assert [(f.line, f.path) for f in faults(text.encode())] == [
        (2, "kind"),
        (15, "spec.price.currency"),
        (24, "spec.partnership.shares"),
        (26, "spec.data[0].end"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "line", "path", "message", "hint"),
    [
        ("  title: Traffic", "  titel: Traffic", 5, "metadata.titel", "no such field", "did you mean `title`"),
        ("wcagLevel", "wcag_level", 27, "spec.accessibility.wcag_level", "no such field", "did you mean `wcagLevel`"),
        ("name: traffic-guide", "name: Traffic Guide", 4, "metadata.name", "regex", "small letters, digits and dashes"),
        ("[resident, visitor]", "[residents, visitor]", 9, "spec.stakeholders[0]", "`residents` is not known", "did you mean `resident`"),
        ("[resident, visitor]", "resident", 9, "spec.stakeholders", "expected a list", ""),
        ("[resident, visitor]", "[resident, resident]", 9, "spec.stakeholders", "unique", "stakeholders that"),
        ("city, code: delay}", "city, code: [delay]}", 12, "spec.outcomes[0].indicator.code", "expected text, found a list", ""),
        ("upTo: 100", 'upTo: "100"', 20, "spec.price.plans[0].tiers[0].upTo", "expected a whole number", "without quotes"),
        ("upTo: 100", "upTo: 1e2", 20, "spec.price.plans[0].tiers[0].upTo", "expected a whole number", ""),
        ("upTo: 100", "upTo: 9223372036854775808", 20, "spec.price.plans[0].tiers[0].upTo", "expected a whole number", ""),
        ("latitude: 52.5", "latitude: .nan", 28, "spec.place.latitude", "expected a number", ""),
        ("latitude: 52.5", "latitude: .inf", 28, "spec.place.latitude", "expected a number", ""),
        ("latitude: 52.5", "latitude: 91", 28, "spec.place.latitude", "-90", "degrees"),
        ("    none: {}", "    none: {}\n    process: {}", 31, "spec.runtime.process", "only one of none and process", "keep one"),
        ("runtime:\n    none: {}", "runtime: none", 29, "spec.runtime", "expected fields such as `none`", ""),
        ("Traffic guide\n", '"Traffic\\0guide"\n', 5, "metadata.title", "control character U+0000", "remove it"),
        ("Traffic guide\n", "\n", 5, "metadata.title", "expected text, found nothing", "leave the field out"),
    ],
)
def test_a_wrong_field_is_told_with_what_would_be_right(old: str, new: str, line: int, path: str, message: str, hint: str) -> None:
    fault = the_fault(changed(old, new))
    assert (fault.line, fault.path) == (line, path)
    assert message in fault.message and hint in fault.hint


def test_a_missing_field_is_told_where_it_should_stand() -> None:
    fault = the_fault(changed("  runtime:\n    none: {}\n", "  privacy: {personalData: false}\n"))
    assert (fault.line, fault.path) == (7, "spec.runtime")
    assert "required" in fault.message and "what software runs" in fault.hint


def test_an_item_at_fault_does_not_move_the_lines_of_those_behind_it() -> None:
    found = faults(changed("languages: [no, de]", "languages: [{}, de, D E]"))
    assert [f.path for f in found] == ["spec.accessibility.languages[0]", "spec.accessibility.languages[2]"]


def test_a_line_of_a_fault_reads_well() -> None:
    fault = the_fault(changed("  title: Traffic", "  titel: Traffic"))
    assert str(fault) == "line 5: metadata.titel: there is no such field (did you mean `title`?)"


@pytest.mark.parametrize("text", [b"", b"\n\n", b"# nothing but this\n"])
def test_an_empty_file_is_told(text: bytes) -> None:
    assert "empty" in the_fault(text).message


@pytest.mark.parametrize("text", [b"hello", b"[1, 2]", b"~", b"3"])
def test_a_file_that_is_no_mapping_is_told_once(text: bytes) -> None:
    assert "expected fields such as `apiVersion`" in the_fault(text).message
