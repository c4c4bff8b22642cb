"""`python -m stratapolis.governance`."""

from stratapolis.chassis.start import start
from stratapolis.governance.settings import Settings

if __name__ == "__main__":
    start(Settings, "stratapolis.governance")
