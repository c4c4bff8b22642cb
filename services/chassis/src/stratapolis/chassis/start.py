"""Starts a layer: its settings are read before the rest of it is loaded, so that a wrong one is said at once."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from stratapolis.chassis.settings import LayerSettings, WrongSettings


def start(settings_class: type[LayerSettings], package: str) -> None:
    """Run the layer of `package`, whose `wiring` has `wire`, until SIGTERM or SIGINT; exits with 2 and a line per fault when its settings are wrong."""
    try:
        settings = settings_class.read()
    except WrongSettings as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(2) from None
    wiring = import_module(f"{package}.wiring")
    migrations = Path(str(wiring.__file__)).parents[3] / "migrations"
    import_module("stratapolis.chassis.run").main(settings, wiring.wire, migrations)
