"""Products and feeds."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from city.data.v1 import data_product_pb2 as pb
from city.data.v1 import indicator_feeds_service_pb2 as feeds_pb
from city.data.v1.events_pb2 import DataProductPublished, IndicatorComputed
from city.types.v1.types_pb2 import IndicatorKey
from stratapolis.chassis.times import to_time, to_timestamp
from stratapolis.data.domain.feed import Computed, Feed, Indicator
from stratapolis.data.domain.product import Classification, Product, ProductState

CLASSIFICATION = {
    Classification.OPEN: pb.CLASSIFICATION_OPEN,
    Classification.SHARED: pb.CLASSIFICATION_SHARED,
    Classification.PERSONAL: pb.CLASSIFICATION_PERSONAL,
}
CLASSIFICATION_OF = {number: word for word, number in CLASSIFICATION.items()}
STATE = {ProductState.DRAFT: pb.DATA_PRODUCT_STATE_DRAFT, ProductState.PUBLISHED: pb.DATA_PRODUCT_STATE_PUBLISHED}


def drafted(asked: pb.DataProduct, *, owner: str, at: datetime) -> Product:
    """A new draft as it is asked for; units may still be empty."""
    return Product(
        name=asked.name,
        owner=owner,
        title=asked.title,
        description=asked.description,
        classification=CLASSIFICATION_OF[asked.classification],
        properties={prop.name: prop.unit for prop in asked.properties},
        things=tuple(asked.things),
        thing_prefix="" if asked.things else asked.thing_prefix,
        zone=asked.zone,
        earliest=to_time(asked.earliest_time) if asked.HasField("earliest_time") else None,
        retention_days=asked.retention_days,
        consumers=tuple(asked.consumers),
        state=ProductState.DRAFT,
        created_at=at,
    )


def with_units(product: Product, units: Mapping[str, str]) -> Product:
    """The product with the canonical unit of each property."""
    return replace(product, properties={name: units[name] for name in product.properties})


def product_shown(product: Product) -> pb.DataProduct:
    """A product."""
    return pb.DataProduct(
        name=product.name,
        title=product.title,
        description=product.description,
        classification=CLASSIFICATION[product.classification],
        properties=[pb.ProductProperty(name=name, unit=unit) for name, unit in sorted(product.properties.items())],
        things=product.things,
        thing_prefix=product.thing_prefix,
        zone=product.zone,
        earliest_time=to_timestamp(product.earliest) if product.earliest else None,
        retention_days=product.retention_days,
        consumers=product.consumers,
        owner=product.owner,
        state=STATE[product.state],
        create_time=to_timestamp(product.created_at),
    )


def published(product: Product) -> DataProductPublished:
    """The fact."""
    return DataProductPublished(product=product.name, title=product.title, classification=product.classification.value, owner=product.owner)


def indicator_of(key: IndicatorKey) -> Indicator:
    """An indicator."""
    return Indicator(framework=key.framework, code=key.code, measure=key.measure)


def indicator_shown(indicator: Indicator) -> IndicatorKey:
    """An indicator."""
    return IndicatorKey(framework=indicator.framework, code=indicator.code, measure=indicator.measure)


def feed_shown(feed: Feed) -> feeds_pb.IndicatorFeed:
    """A feed."""
    return feeds_pb.IndicatorFeed(
        feed_id=feed.feed_id,
        product=feed.product,
        property=feed.prop,
        indicator=indicator_shown(feed.indicator),
        unit=feed.unit,
        create_time=to_timestamp(feed.created_at),
    )


def computed(feed: Feed, found: Computed, *, at: datetime) -> IndicatorComputed:
    """The fact that a window has a new value."""
    key = feed.indicator
    return IndicatorComputed(
        series="/".join((key.framework, key.code, key.measure, found.scope)),
        indicator=indicator_shown(key),
        scope=found.scope,
        period=found.day.isoformat(),
        revision=found.revision,
        value=f"{found.value.normalize():f}",
        unit=feed.unit,
        observations=found.observations,
        computed_time=to_timestamp(at),
    )
