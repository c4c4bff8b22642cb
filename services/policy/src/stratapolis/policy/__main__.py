"""`python -m stratapolis.policy`."""

from stratapolis.chassis.start import start
from stratapolis.policy.settings import Settings

if __name__ == "__main__":
    start(Settings, "stratapolis.policy")
