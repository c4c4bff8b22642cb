"""A launcher for the supervisor's tests, run as a program: sleepers.py FOLDER NAME:BEHAVIOUR... (behaviours: sleep, stubborn, broken, parent).

Each stage is one argument; children of one stage are joined by commas. Says what happens on standard output.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from stratapolis.cli.local.errors import LocalCityError
from stratapolis.cli.local.process import Child
from stratapolis.cli.local.supervisor import Supervisor

BEHAVIOURS = {
    "sleep": "",
    "stubborn": "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
    "broken": "sys.exit('FATAL: it cannot be')",
    "parent": "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)",
}


def a_child(folder: Path, described: str, **changes: object) -> Child:
    """Ready once it has written its mark; says in the file `ends` when it is asked to stop."""
    name, behaviour = described.split(":")
    mark = folder / f"{name}.mark"
    program = f"""
import os, signal, subprocess, sys, time
def stop(*_):
    with open({str(folder / "ends")!r}, "a") as ends: ends.write({name!r} + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
{BEHAVIOURS[behaviour]}
open({str(mark)!r}, "w").write(str(os.getpid()))
print("up", flush=True)
time.sleep(600)
"""

    async def ready() -> bool:
        return mark.exists()

    async def unmark() -> None:
        mark.unlink(missing_ok=True)

    settings: dict[str, object] = {"ready_within": 20.0, "stop_within": 1.0, **changes}
    return Child(name=name, argv=(sys.executable, "-c", program), cwd=folder, ready=ready, before=unmark, **settings)  # type: ignore[arg-type]


async def main(folder: Path, stages: list[str]) -> int:
    def say(line: str) -> None:
        print(line, flush=True)

    try:
        async with Supervisor(folder, say=say) as city:
            for stage in stages:
                await city.start(*(a_child(folder, each) for each in stage.split(",")))
            say("ready")
            await city.wait()
    except LocalCityError as error:
        say(f"error: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(Path(sys.argv[1]), sys.argv[2:])))
