"""Hold the contracts against every released version: what was said once is never unsaid.

`protos/baselines/<version>.binpb` are buf images of what was released, made by `make baseline VERSION=...`. All of them
count, not only the newest: events of every released version must decode in every consumer.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROTOS = ROOT / "protos"
BUF = Path(sys.executable).with_name("buf")


def build_image(protos: Path, image: Path) -> None:
    """Compile a folder of contracts to one image, which is what buf can compare; raises CalledProcessError if it does not compile."""
    subprocess.run([BUF, "build", protos, "--path", protos / "city", "--output", image], check=True)


def breaks(protos: Path, baselines: Path) -> list[str]:
    """What a client or consumer of a released version would trip over, a line each."""
    found: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        image = Path(scratch, "now.binpb")
        build_image(protos, image)
        for baseline in sorted(baselines.glob("*.binpb")):
            # Imports are left out: they are vendored, and not ours to hold still.
            command: list[str | Path] = [BUF, "breaking", image, "--against", baseline, "--exclude-imports", "--config", PROTOS / "buf.yaml"]
            compared = subprocess.run(command, capture_output=True, text=True, check=False)
            lines = (compared.stdout + compared.stderr).splitlines()
            found += [f"against {baseline.stem}: {line}" for line in lines]
            if compared.returncode and not lines:
                found.append(f"against {baseline.stem}: buf ended with {compared.returncode} and no reason")
    return found


def main() -> int:
    found = breaks(PROTOS, PROTOS / "baselines")
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
