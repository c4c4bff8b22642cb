"""The sabotage stays in step with the code: each patch applies in one place and leaves a program, and the test that must see it is there."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import replace

import pytest

from infra.sabotage.__main__ import ROOT, broken
from infra.sabotage.patches import PATCHES
from infra.sabotage.sabotage import Sabotage


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.name)
def test_each_patch_applies_in_one_place_and_leaves_a_program(patch: Sabotage) -> None:
    right = (ROOT / patch.file).read_text()
    wrong = broken(right, patch)
    assert wrong != right
    if patch.file.endswith(".py"):
        compile(wrong, patch.file, "exec")


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.name)
def test_the_test_that_must_see_it_is_there(patch: Sabotage) -> None:
    path, _, name = patch.test.partition("::")
    found = {node.name for node in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert name.partition("[")[0] in found


def test_a_patch_whose_place_is_gone_or_stands_twice_is_told_by_name() -> None:
    patch = PATCHES[0]
    for text in ("", 2 * patch.old):
        with pytest.raises(ValueError, match=patch.name):
            broken(text, replace(patch, new=""))


def test_no_two_patches_share_a_name() -> None:
    assert set(Counter(patch.name for patch in PATCHES).values()) == {1}
