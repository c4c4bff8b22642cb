"""What tests of apps stand on: an app under test on a real database, without a broker."""

from stratapolis.chassis.testing.under_test import AppUnderTest, record

__all__ = ["AppUnderTest", "record"]
