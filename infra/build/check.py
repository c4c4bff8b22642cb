"""Everything that `make check` looks at: all of it runs, each gate a line, what failed is shown at the end."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
CODE = ("conftest.py", "infra", "protos/tests", "services", "cli", "examples", "e2e_tests", "benchmarks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A command that must succeed, and what to do when it does not."""

    name: str
    command: tuple[str, ...]
    mend: str


def gates() -> tuple[Gate, ...]:
    """The slow one first: it sets the time that the whole takes."""
    code = [name for name in CODE if any((ROOT / name).rglob("*.py")) or (ROOT / name).is_file()]
    python = str(BIN / "python")
    return (
        Gate(name="types", command=(f"{BIN}/mypy", *code), mend="annotate; an untyped library gets a Protocol or stubs, not Any"),
        Gate(name="format", command=(f"{BIN}/ruff", "format", "--check", "--quiet", "--diff", "."), mend="make format"),
        Gate(name="lint", command=(f"{BIN}/ruff", "check", "--quiet", "--output-format=concise", "."), mend="each rule's reason is in pyproject.toml"),
        Gate(name="imports", command=(f"{BIN}/lint-imports", "--no-logo"), mend="who may import whom is in pyproject.toml, with its reason"),
        Gate(name="contracts: lint", command=(f"{BIN}/buf", "lint", "protos"), mend="protos/buf.yaml says which rules"),
        Gate(
            name="contracts: format",
            command=(f"{BIN}/buf", "format", "protos", "--path", "protos/city", "--diff", "--exit-code"),
            mend="make format",
        ),
        Gate(name="contracts: options", command=(python, "infra/build/contract_check.py"), mend="what has no option is denied: say it in the contract"),
        Gate(
            name="contracts: breaking",
            command=(python, "infra/build/breaking_gate.py"),
            mend="add instead of changing; reserve what goes. A new major version is a new package",
        ),
        Gate(
            name="migrations",
            command=(python, "-m", "infra.baseline", "--check"),
            mend="add and loosen; what no release needs any more goes with a line that says so (infra/baseline/schema.py)",
        ),
        Gate(name="documents", command=(python, "-m", "infra.documents", "--check"), mend="make documents"),
        Gate(name="dead code", command=(f"{BIN}/vulture", *code), mend="remove it, or use it"),
        Gate(name="readable", command=(python, "infra/build/readable.py", *code), mend="split by noun; name the file that is there"),
        Gate(name="dependencies", command=(f"{BIN}/deptry", "."), mend="declare what is imported in infra/requirements, then make lock"),
    )


def run(gate: Gate) -> tuple[bool, str]:
    """Whether it held, and what it said."""
    started = time.monotonic()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    done = subprocess.run(gate.command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    held = done.returncode == 0
    print(f"check: {'ok  ' if held else 'FAIL'} {gate.name} ({time.monotonic() - started:.1f} s)", flush=True)
    return held, done.stdout


def main() -> int:
    every = gates()
    with ThreadPoolExecutor(max_workers=2) as pool:
        results = list(pool.map(run, every))
    failed = [(gate, said) for gate, (held, said) in zip(every, results, strict=True) if not held]
    for gate, said in failed:
        print(f"\n--- {gate.name}: {gate.mend}\n{said.rstrip()}")
    print(f"\ncheck: {len(every) - len(failed)} of {len(every)} gates hold")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
