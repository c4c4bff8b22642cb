"""`python -m stratapolis.innovation`."""

from stratapolis.chassis.start import start
from stratapolis.innovation.settings import Settings

if __name__ == "__main__":
    start(Settings, "stratapolis.innovation")
