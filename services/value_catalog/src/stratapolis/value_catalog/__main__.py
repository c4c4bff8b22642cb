"""`python -m stratapolis.value_catalog`."""

from stratapolis.chassis.start import start
from stratapolis.value_catalog.settings import Settings

if __name__ == "__main__":
    start(Settings, "stratapolis.value_catalog")
