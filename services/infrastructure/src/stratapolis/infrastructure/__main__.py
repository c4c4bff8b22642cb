"""`python -m stratapolis.infrastructure`: settings, wire, run."""

from pathlib import Path

from stratapolis.chassis.run import main
from stratapolis.infrastructure.settings import Settings
from stratapolis.infrastructure.wiring import wire

MIGRATIONS = Path(__file__).parents[3] / "migrations"

if __name__ == "__main__":
    main(Settings, wire, MIGRATIONS)
