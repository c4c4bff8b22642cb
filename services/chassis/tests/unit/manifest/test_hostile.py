"""Text that means harm, or is simply broken: told, never raised, and never slow."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from stratapolis.chassis.manifest import read

from services.chassis.tests.unit.manifest.good import GOOD
from services.chassis.tests.unit.manifest.test_read import changed, faults, the_fault, the_manifest


def test_a_megabyte_is_refused_unread() -> None:
    fault = the_fault(GOOD.encode() + b"#" * 1_000_000)
    assert "bytes" in fault.message and "65,536" in fault.hint


def test_the_largest_manifest_is_read() -> None:
    padding = b"#" * (64 * 1024 - len(GOOD))
    assert the_manifest(GOOD.encode() + padding).metadata.name == "traffic-guide"
    assert "bytes" in the_fault(GOOD.encode() + padding + b"#").message


@pytest.mark.parametrize("depth", [100, 30_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("{a: ", "}"), ("- ", "")])
def test_a_deep_text_is_refused(depth: int, opening: str, closing: str) -> None:
    text = (opening * depth + closing * depth).encode()[: 64 * 1024]
    assert "20 levels deep" in the_fault(text).message


def test_twenty_levels_are_walked_and_twenty_one_are_not() -> None:
    assert "expected fields" in the_fault(b"[" * 20 + b"]" * 20).message
    assert "levels deep" in the_fault(b"[" * 21 + b"]" * 21).message


def test_a_billion_laughs_are_refused_without_one() -> None:
    lines = ["a0: &a0 [lol, lol]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    found = faults("\n".join(lines).encode())
    assert sum("is an alias" in f.message for f in found) >= 80
    assert len(found) == 100


def test_an_alias_and_its_anchor_are_told() -> None:
    found = faults(changed("Traffic guide\n", "&t Traffic guide\n").replace(b"Says which way is quick now.", b"*t"))
    assert [(f.path, f.hint) for f in found] == [("metadata.title", "leave it out: nothing may refer to it"), ("metadata.description", "write the value out")]


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system", "!!str", "!mine", "!"])
def test_a_tag_is_told(tag: str) -> None:
    fault = the_fault(changed("title: Traffic", f"title: {tag} Traffic"))
    assert fault.path == "metadata.title" and "is a tag" in fault.message


def test_a_double_key_is_told_with_the_line_of_the_first() -> None:
    fault = the_fault(changed("  title: Traffic guide\n", "  title: Traffic guide\n  title: Traffic guide\n"))
    assert (fault.line, fault.path, fault.hint) == (6, "metadata.title", "it stands in line 5 already: keep one")


def test_a_byte_order_mark_is_no_fault() -> None:
    assert the_manifest(b"\xef\xbb\xbf" + GOOD.encode()).kind == "Service"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_another_encoding_is_told(encoding: str) -> None:
    (fault, *_) = faults(GOOD.encode(encoding))
    assert "UTF-8" in fault.message or "not allow" in fault.message


def test_a_byte_that_is_not_utf_8_is_told_at_its_place() -> None:
    fault = the_fault(changed("Traffic guide", "Traffic gXide").replace(b"X", b"\xff"))
    assert (fault.line, fault.column) == (5, 19)


def test_a_tab_is_told_as_one() -> None:
    fault = the_fault(changed("  title: Traffic", "\ttitle: Traffic"))
    assert fault.line == 5 and "spaces, not with tabs" in fault.hint


def test_a_second_document_is_told() -> None:
    fault = the_fault(GOOD.encode() + b"---\nkind: Service\n")
    assert fault.line == 31 and "second document" in fault.message


def test_a_field_whose_name_is_a_list_is_told() -> None:
    fault = the_fault(changed("  title: Traffic guide\n", "  title: Traffic guide\n  ? [a, b]\n  : c\n"))
    assert "a field's name is a word" in fault.message


def test_ten_thousand_faults_cost_little_and_a_hundred_are_told() -> None:
    text = "".join(f"k{i}x:\n" for i in range(8_000)).encode()
    began = time.process_time()
    assert len(faults(text)) == 100
    assert time.process_time() - began < 2


def test_a_list_of_thousands_is_told_once() -> None:
    began = time.process_time()
    found = faults(b"spec: {data: [" + b"{}," * 21_000 + b"]}")
    assert [f.message for f in found if f.path == "spec.data"] == ["the list has 21,000 items"]
    assert time.process_time() - began < 2


@example(b"? ")
@example(b"\x00")
@example(b"%YAML 9.9\n---\na")
@example(b"a: 'b")
@example(b"\xef\xbb\xbf")
@example(b"<<: {kind: Service}")
@example(("x: " + "9" * 5000).encode())
@example(b"spec: {place: {latitude: " + b"1" * 5000 + b"}}")
@given(st.binary(max_size=300) | st.text(st.sampled_from("{}[]:,-?!&*%@#|>'\" \n\tab~0"), max_size=60).map(str.encode))
def test_no_bytes_raise(text: bytes) -> None:
    manifest, found = read(text)
    assert manifest is None and found


@given(st.integers(0, len(GOOD)), st.integers(0, 40), st.text(max_size=8))
def test_no_change_of_a_manifest_raises(at: int, cut: int, new: str) -> None:
    manifest, found = read((GOOD[:at] + new + GOOD[at + cut :]).encode("utf-8", "surrogatepass"))
    assert (manifest is None) is bool(found)
    assert all(f.line >= 1 and f.column >= 1 and f.message for f in found)
