"""`python -m stratapolis.value_catalog`: settings, wire, run."""

from pathlib import Path

from stratapolis.chassis.run import main
from stratapolis.value_catalog.settings import Settings
from stratapolis.value_catalog.wiring import wire

MIGRATIONS = Path(__file__).parents[3] / "migrations"

if __name__ == "__main__":
    main(Settings, wire, MIGRATIONS)
