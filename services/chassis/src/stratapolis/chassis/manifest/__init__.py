"""The manifest: YAML that is read against the contract, with every fault at its line, written back, and explained field by field."""

from stratapolis.chassis.manifest.explain import UnknownField, explain
from stratapolis.chassis.manifest.faults import Fault
from stratapolis.chassis.manifest.read import read
from stratapolis.chassis.manifest.write import write

__all__ = ["Fault", "UnknownField", "explain", "read", "write"]
