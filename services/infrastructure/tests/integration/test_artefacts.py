"""Only what an operator registered is run, by its sum."""

import subprocess
from pathlib import Path

import pytest
from city.infrastructure.v1 import artefact_service_pb2 as pb
from stratapolis.chassis.errors import InvalidField, Refused
from stratapolis.infrastructure.domain.errors import FolderNotAllowed, FolderNotUsable, SumMismatch
from stratapolis.infrastructure.providers.artefacts import sum_of
from stratapolis.infrastructure.rpc.artefacts import Artefacts

from services.infrastructure.tests.builders import CRASHING, SERVER, Layer, a_call


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "artefacts"
    (folder / "guide" / "static").mkdir(parents=True)
    (folder / "guide" / "main.py").write_text(SERVER)
    (folder / "guide" / "static" / "page.html").write_text("<p>hello</p>")
    return folder


async def register(layer: Layer, root: Path, **asked: object) -> pb.Artefact:
    wanted: dict[str, object] = {"name": "guide", "folder": str(root / "guide"), "argv": ["{python}", "{folder}/main.py"]}
    async with layer.db.transaction() as tx:
        return (await Artefacts([root]).register_artefact(pb.RegisterArtefactRequest(**(wanted | asked)), a_call(tx))).artefact  # type: ignore[arg-type]


def test_the_sum_is_the_one_that_the_contract_describes(root: Path) -> None:
    (root / "guide" / "__pycache__").mkdir()
    (root / "guide" / "__pycache__" / "main.pyc").write_text("made at run time")
    command = "find . -type f -not -path '*/__pycache__/*' | LC_ALL=C sort | xargs sha256sum | sha256sum"
    printed = subprocess.run(["sh", "-c", command], cwd=root / "guide", capture_output=True, text=True, check=True).stdout
    assert sum_of(root / "guide") == printed.split()[0]


async def test_the_newest_sum_is_what_later_deployments_run(layer: Layer, root: Path) -> None:
    first = await register(layer, root)
    (root / "guide" / "main.py").write_text(CRASHING)
    second = await register(layer, root)
    assert first.sha256 != second.sha256
    (root / "guide" / "main.py").write_text(SERVER)
    assert (await register(layer, root)).sha256 == first.sha256
    async with layer.db.transaction() as tx:
        listed = await Artefacts([root]).list_artefacts(pb.ListArtefactsRequest(page_size=1), a_call(tx))
    assert [(a.name, a.sha256) for a in listed.artefacts] == [("guide", first.sha256)]
    assert not listed.next_page_token


async def test_a_wrong_sum_is_refused_and_the_right_one_taken(layer: Layer, root: Path) -> None:
    with pytest.raises(SumMismatch) as refused:
        await register(layer, root, sha256="0" * 64)
    assert (await register(layer, root, sha256=refused.value.details["found"])).sha256 == sum_of(root / "guide")


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        ({"folder": "/etc"}, FolderNotAllowed),
        ({"folder": "{root}/../artefacts-too"}, FolderNotAllowed),
        ({"folder": "{root}/way-out"}, FolderNotAllowed),
        ({"folder": "{root}/none"}, FolderNotUsable),
        ({"folder": "{root}/empty"}, FolderNotUsable),
        ({"folder": "{root}/linked"}, FolderNotUsable),
        ({"folder": "{root}/odd"}, FolderNotUsable),
        ({"argv": ["sh", "-c", "echo"]}, InvalidField),
    ],
)
async def test_what_cannot_be_an_artefact_is_refused(layer: Layer, root: Path, asked: dict[str, object], refusal: type[Refused]) -> None:
    (root.parent / "artefacts-too").mkdir()
    (root / "way-out").symlink_to("/etc")
    (root / "empty").mkdir()
    (root / "linked").mkdir()
    (root / "linked" / "passwd").symlink_to("/etc/passwd")
    (root / "odd").mkdir()
    (root / "odd" / "a b").write_text("")
    asked = {name: value.replace("{root}", str(root)) if isinstance(value, str) else value for name, value in asked.items()}
    with pytest.raises(refusal):
        await register(layer, root, **asked)
