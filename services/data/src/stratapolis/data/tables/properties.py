"""Observed properties: each has one canonical unit, in which its values are kept.

The table beside this module has the city's own. A data product may declare more, each with its canonical unit.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from stratapolis.chassis.errors import Kind, Refused
from stratapolis.data.tables.units import convert, unit_of


class UnknownProperty(Refused):
    """Nobody has said in which unit this property is kept."""

    reason = "UNKNOWN_PROPERTY"
    kind = Kind.INVALID

    def __init__(self, name: str) -> None:
        super().__init__(f"property {name!r} is neither in the city's table nor declared by a product", property=name)
        self.name = name


class PropertyHasAnotherUnit(Refused):
    """A product declares a known property with a canonical unit that is not the known one."""

    reason = "PROPERTY_HAS_ANOTHER_UNIT"
    kind = Kind.INVALID

    def __init__(self, name: str, known: str, declared: str) -> None:
        super().__init__(f"property {name!r} is kept in {known!r}, not in {declared!r}", property=name, known=known, declared=declared)
        self.name, self.known, self.declared = name, known, declared


@dataclass(frozen=True, slots=True)
class Properties:
    """Canonical unit by property name."""

    canonical: Mapping[str, str]

    def declaring(self, own: Mapping[str, str]) -> "Properties":
        """These and the product's own; the same property with the same unit may be said again.

        Raises UnknownUnit, PropertyHasAnotherUnit.
        """
        for name, unit in own.items():
            unit_of(unit)
            if self.canonical.get(name, unit) != unit:
                raise PropertyHasAnotherUnit(name, self.canonical[name], unit)
        return Properties(MappingProxyType({**self.canonical, **own}))

    def unit(self, name: str) -> str:
        """The property's canonical unit; raises UnknownProperty."""
        unit = self.canonical.get(name)
        if unit is None:
            raise UnknownProperty(name)
        return unit

    def keep(self, name: str, value: Decimal, unit: str) -> Decimal:
        """The value as it is kept: in the property's canonical unit. Raises UnknownProperty and what `convert` raises."""
        return convert(value, unit, self.unit(name))


@cache
def city_properties() -> Properties:
    """The city's table; read once."""
    table = files(__package__).joinpath("properties.csv").read_text(encoding="utf-8").splitlines()
    return Properties(MappingProxyType({row["property"]: row["unit"] for row in csv.DictReader(table)}))
