"""`python -m stratapolis.connectivity`."""

from stratapolis.chassis.start import start
from stratapolis.connectivity.settings import Settings

if __name__ == "__main__":
    start(Settings, "stratapolis.connectivity")
