"""Every field of the manifest is explained from the contract's own comments."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from city.manifest.v1.manifest_pb2 import Manifest
from google.protobuf.descriptor import Descriptor
from stratapolis.chassis.manifest import UnknownField, explain


def paths(message: Descriptor, around: str = "") -> Iterator[tuple[str, str]]:
    for field in message.fields:
        path = f"{around}{field.json_name}"
        yield path, field.json_name
        if field.message_type is not None:
            yield from paths(field.message_type, f"{path}.")


@pytest.mark.parametrize(("path", "name"), sorted(set(paths(Manifest.DESCRIPTOR))))
def test_every_field_is_explained_by_its_own_comment(path: str, name: str) -> None:
    title, comment, *_ = explain(path).split("\n")
    assert title.startswith(f"{path}: ")
    assert comment.startswith((name, "none"))


def test_a_path_as_it_stands_in_a_fault_is_understood() -> None:
    assert explain("spec.data[3].product") == explain("spec.data[].product").replace("data[]", "data[]")
    assert "name of the data product" in explain("spec.data[3].product")


def test_a_choice_shows_each_of_its_words() -> None:
    text = explain("spec.price.plans.model")
    assert "one of free, subscription, payPerUse" in text
    assert "  payPerUse costs by the use, in tiers." in text


def test_fields_within_are_listed() -> None:
    assert "  purpose of the use, for people." in explain("spec.data")
    assert "apiVersion is `city/v1`." in explain()


@pytest.mark.parametrize(
    ("path", "hint"), [("spec.pirce", "did you mean `price`?"), ("metadata.name.x", "name has no fields"), ("zzz", "fields here are apiVersion, kind")]
)
def test_an_unknown_field_is_refused_with_what_would_be_right(path: str, hint: str) -> None:
    with pytest.raises(UnknownField, match=path.rsplit(".", maxsplit=1)[-1]) as refused:
        explain(path)
    assert hint in refused.value.message
