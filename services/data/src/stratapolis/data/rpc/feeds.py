"""Indicator feeds."""

from datetime import datetime

from city.data.v1 import indicator_feeds_service_pb2 as pb
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.paging import Page
from stratapolis.chassis.rpc import Call
from stratapolis.data.codec import products as codec
from stratapolis.data.domain.errors import FeedExists, ProductNotFound, ProductNotPublished
from stratapolis.data.domain.feed import Feed
from stratapolis.data.domain.product import Product
from stratapolis.data.domain.reading import FeedDay
from stratapolis.data.domain.windows import DAY, day_span, zone_of
from stratapolis.data.store import feeds, intake, products, reads
from stratapolis.data.taking import Limits


class IndicatorFeeds:
    """IndicatorFeedsService."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    async def register_indicator_feed(self, request: pb.RegisterIndicatorFeedRequest, call: Call) -> pb.RegisterIndicatorFeedResponse:
        """Bind a property to an indicator, and have all days observed so far computed."""
        await feeds.own_feeds(call.tx)
        product = await products.product_named(call.tx, request.product)
        if product is None:
            raise ProductNotFound(request.product)
        if not product.is_published:
            raise ProductNotPublished(request.product)
        feed = Feed(
            feed_id=new_id(),
            product=product.name,
            prop=request.property,
            indicator=codec.indicator_of(request.indicator),
            unit=product.unit(request.property),
            zone=product.zone,
            created_at=call.at,
        )
        if (other := await products.put_feed(call.tx, feed)) is not None:
            raise FeedExists(other)
        await self._mark_observed(product, feed, call)
        return pb.RegisterIndicatorFeedResponse(feed=codec.feed_shown(feed))

    async def list_indicator_feeds(self, request: pb.ListIndicatorFeedsRequest, call: Call) -> pb.ListIndicatorFeedsResponse:
        """A page of feeds."""
        page = Page.of(request, datetime, str)
        found = await products.list_feeds(call.tx, product=request.product, after=page.after, limit=page.size + 1)
        fitting, token = page.fit(found, codec.feed_shown, lambda feed: (feed.created_at, feed.feed_id))
        return pb.ListIndicatorFeedsResponse(feeds=fitting, next_page_token=token)

    async def _mark_observed(self, product: Product, feed: Feed, call: Call) -> None:
        """Mark every local day that a UTC day with observations touches."""
        known = {one.series_id: one.series for one in await reads.series_of(call.tx, product, properties=[feed.prop])}
        days = await feeds.observed_days(call.tx, list(known), self._limits.earliest)
        touched = {(series_id, day + turn * DAY) for series_id, day in days for turn in (-1, 0, 1)}
        zone, soon = zone_of(feed.zone), call.at
        windows = [(FeedDay(feed.feed_id, known[series_id], day), max(day_span(day, zone)[1], soon)) for series_id, day in touched]
        await intake.mark(call.tx, windows, {series: series_id for series_id, series in known.items()})
