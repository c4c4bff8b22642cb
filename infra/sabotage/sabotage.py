"""A sabotage, and where what it breaks lies."""

from __future__ import annotations

from dataclasses import dataclass

CHASSIS = "services/chassis/src/stratapolis/chassis"
TESTS = "services/chassis/tests"
INTEGRATION = f"{TESTS}/integration"
GOVERNANCE = "services/governance"
INFRASTRUCTURE = "services/infrastructure"
POLICY = "services/policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sabotage:
    """A change of one place. `test` is a pytest id (`path::name`) that passes without it and fails with it; `breaks` is the promise."""

    name: str
    breaks: str
    file: str
    old: str
    new: str
    test: str
