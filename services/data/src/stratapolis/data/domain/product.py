"""Data products: the observations of some properties of some things of one owner, under terms."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from stratapolis.data.domain.errors import ConsentNotAvailable, PropertyNotInProduct
from stratapolis.data.domain.windows import zone_of


class Classification(StrEnum):
    """Who may read a product."""

    OPEN = "open"
    SHARED = "shared"
    PERSONAL = "personal"


class ProductState(StrEnum):
    """Where a product stands."""

    DRAFT = "draft"
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product; `properties` has the canonical unit of each. No `things` and an empty `thing_prefix`: all things of the owner."""

    name: str
    owner: str
    title: str
    description: str
    classification: Classification
    properties: Mapping[str, str]
    things: tuple[str, ...]
    thing_prefix: str
    zone: str
    earliest: datetime | None
    retention_days: int
    consumers: tuple[str, ...]
    state: ProductState
    created_at: datetime

    @property
    def is_published(self) -> bool:
        """Whether it is in the catalogue."""
        return self.state is ProductState.PUBLISHED

    def covers(self, owner: str, thing: str, prop: str) -> bool:
        """Whether an observation of this owner's thing is part of the product."""
        if owner != self.owner or prop not in self.properties:
            return False
        return thing in self.things if self.things else thing.startswith(self.thing_prefix)

    def unit(self, prop: str) -> str:
        """The property's canonical unit; raises PropertyNotInProduct."""
        if prop not in self.properties:
            raise PropertyNotInProduct(prop, tuple(sorted(self.properties)))
        return self.properties[prop]

    def visible_to(self, owners: tuple[str, ...] | None) -> bool:
        """Whether it is shown to these owners; None is who sees every owner's."""
        return self.is_published or owners is None or self.owner in owners


def check(product: Product) -> None:
    """What the contract's rules cannot say of a new product. Raises ConsentNotAvailable, UnknownZone."""
    refuse_personal(product)
    zone_of(product.zone)


def publish(product: Product) -> Product:
    """The product in the catalogue; one that is there already is returned as it is."""
    return product if product.is_published else replace(product, state=ProductState.PUBLISHED)


def refuse_personal(product: Product) -> None:
    """Personal data are not given, nor taken, without consents. Raises ConsentNotAvailable."""
    if product.classification is Classification.PERSONAL:
        raise ConsentNotAvailable(product.name)


def retention(products: tuple[Product, ...]) -> int | None:
    """How many days an observation covered by these products is kept; None: for ever. The longest holds."""
    if not products or any(product.retention_days == 0 for product in products):
        return None
    return max(product.retention_days for product in products)
