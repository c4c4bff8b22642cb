"""What tests of apps stand on: an app under test on a real database, without a broker."""

from stratapolis.chassis.testing.forged import forged_token
from stratapolis.chassis.testing.under_test import AppUnderTest, record

__all__ = ["AppUnderTest", "forged_token", "record"]
