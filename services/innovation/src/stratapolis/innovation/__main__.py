"""`python -m stratapolis.innovation`: settings, wire, run."""

from pathlib import Path

from stratapolis.chassis.run import main
from stratapolis.innovation.settings import Settings
from stratapolis.innovation.wiring import wire

MIGRATIONS = Path(__file__).parents[3] / "migrations"

if __name__ == "__main__":
    main(Settings, wire, MIGRATIONS)
