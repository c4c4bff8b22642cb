"""Compile protos/city into protos/gen: messages, gRPC, and types for both; nothing when nothing changed.

The new tree is made beside the old one and swapped in, so that what runs meanwhile never sees half of it.
"""

import hashlib
import importlib.metadata
import importlib.resources
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROTOS = ROOT / "protos"
VENDOR = PROTOS / "vendor"
GEN = PROTOS / "gen"
INPUTS = ".inputs"
DESCRIBED = "city/contract.binpb"
"""Every file with its comments: what generated Python leaves out, and `city explain` reads."""
TOOLS = ("grpcio-tools", "mypy-protobuf", "googleapis-common-protos")


def sources() -> list[Path]:
    """The files to compile. buf.validate is among them: protovalidate ships it for another protobuf runtime only."""
    return sorted([*(PROTOS / "city").rglob("*.proto"), *(VENDOR / "buf").rglob("*.proto")])


def digest(files: list[Path]) -> str:
    """Changes whenever the outcome could: a file, its name, this script, or a tool's version."""
    seen = hashlib.sha256("".join(importlib.metadata.version(tool) for tool in TOOLS).encode())
    for file in [Path(__file__), *files]:
        seen.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return seen.hexdigest()


def name_in(root: Path, file: Path) -> str:
    return file.relative_to(root).as_posix()


def compile_into(target: Path, files: list[Path]) -> bool:
    """Run protoc with the plugins for types; True if it succeeded."""
    scripts, library = Path(sysconfig.get_path("scripts")), Path(sysconfig.get_path("purelib"))
    well_known = importlib.resources.files("grpc_tools") / "_proto"
    (target / DESCRIBED).parent.mkdir(parents=True)
    names = [name_in(VENDOR if VENDOR in file.parents else PROTOS, file) for file in files]
    command = [
        *(sys.executable, "-m", "grpc_tools.protoc"),
        *(f"-I{PROTOS}", f"-I{VENDOR}", f"-I{library}", f"-I{well_known}"),
        *(f"--plugin=protoc-gen-mypy={scripts}/protoc-gen-mypy", f"--plugin=protoc-gen-mypy_grpc={scripts}/protoc-gen-mypy_grpc"),
        *("--include_source_info", f"--descriptor_set_out={target}/{DESCRIBED}"),
        *(f"--python_out={target}", f"--grpc_python_out={target}", f"--mypy_out=quiet:{target}", f"--mypy_grpc_out=quiet,only_async:{target}"),
        *names,
    ]
    return subprocess.run(command, check=False).returncode == 0


def finish(target: Path, inputs: str) -> None:
    """Mark every package as typed and drop the gRPC modules of files without a service."""
    for stub in target.rglob("*_pb2_grpc.py"):
        if "Servicer" not in stub.read_text():
            stub.unlink()
            stub.with_suffix(".pyi").unlink(missing_ok=True)
    for folder in (path for path in target.rglob("*") if path.is_dir()):
        (folder / "py.typed").touch()
    (target / INPUTS).write_text(inputs)


def main() -> int:
    files = sources()
    inputs = digest(files)
    if (GEN / INPUTS).exists() and (GEN / INPUTS).read_text() == inputs:
        return 0
    with tempfile.TemporaryDirectory(prefix=".gen-", dir=PROTOS) as scratch:
        fresh, stale = Path(scratch, "fresh"), Path(scratch, "stale")
        fresh.mkdir()
        if not compile_into(fresh, files):
            print("protos: the contracts do not compile; the reason is above", file=sys.stderr)
            return 1
        finish(fresh, inputs)
        if GEN.exists():
            GEN.rename(stale)
        fresh.rename(GEN)
        shutil.rmtree(stale, ignore_errors=True)
    print(f"protos: {len(files)} files compiled")
    return 0


if __name__ == "__main__":
    sys.exit(main())
