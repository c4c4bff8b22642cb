"""`python -m stratapolis.infrastructure`."""

from stratapolis.chassis.start import start
from stratapolis.infrastructure.settings import Settings

if __name__ == "__main__":
    start(Settings, "stratapolis.infrastructure")
