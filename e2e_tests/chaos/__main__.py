"""`make chaos`: prints its seed and how far it is, at the end the report as JSON; ends with 0 only when nothing differs."""

from __future__ import annotations

import asyncio
import json
import sys
import time

from e2e_tests.chaos.options import parsed
from e2e_tests.chaos.run import chaos


def main() -> int:
    """Run what the command line asks for."""
    options, began = parsed(), time.monotonic()

    def say(line: str) -> None:
        print(f"chaos {time.monotonic() - began:6.1f} s: {line}", file=sys.stderr, flush=True)

    report = asyncio.run(chaos(options, say))
    if report is None:
        say("stopped before its end")
        return 130
    text = json.dumps(report, indent=2)
    print(text)
    if options.json:
        options.json.write_text(text)
    for what in report["differences"]:
        say(f"DIFFERENCE: {what}")
    say("nothing was lost, doubled or hung" if not report["differences"] else f"seed {options.seed} shows it again")
    return 1 if report["differences"] else 0


if __name__ == "__main__":
    sys.exit(main())
