"""`python -m stratapolis.data`."""

from stratapolis.chassis.start import start
from stratapolis.data.settings import Settings

if __name__ == "__main__":
    start(Settings, "stratapolis.data")
