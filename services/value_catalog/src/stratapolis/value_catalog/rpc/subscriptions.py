"""Subscriptions and metered uses."""

from __future__ import annotations

from datetime import datetime

from city.value_catalog.v1 import subscription_service_pb2 as pb
from city.value_catalog.v1 import use_service_pb2
from stratapolis.chassis import outbox
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.paging import Page
from stratapolis.chassis.rpc import Call
from stratapolis.value_catalog.codec import subscriptions as codec
from stratapolis.value_catalog.domain.errors import ServiceSuspended
from stratapolis.value_catalog.domain.subscription import cancel, subscribe
from stratapolis.value_catalog.domain.use import Became, judge, may_record
from stratapolis.value_catalog.store import entries, projections, subscriptions


class Subscriptions:
    """SubscriptionService."""

    async def subscribe(self, request: pb.SubscribeRequest, call: Call) -> pb.SubscribeResponse:
        """Start one; the caller's owner pays."""
        offer = codec.offer(request.service_id, await entries.live(call.tx, request.service_id, call.caller.owners))
        started = subscribe(offer, plan=request.plan, subscriber=call.caller.owner, subscription_id=new_id(), at=call.at)
        await subscriptions.add(call.tx, started)
        await outbox.append(call.tx, codec.started(started))
        return pb.SubscribeResponse(subscription=codec.shown(started))

    async def cancel_subscription(self, request: pb.CancelSubscriptionRequest, call: Call) -> pb.CancelSubscriptionResponse:
        """End one at once."""
        running = await subscriptions.for_update(call.tx, request.subscription_id, call.owners)
        ended = cancel(running, owners=call.caller.owners, at=call.at)
        await subscriptions.put(call.tx, ended)
        await outbox.append(call.tx, codec.ended(ended))
        return pb.CancelSubscriptionResponse(subscription=codec.shown(ended))

    async def get_subscription(self, request: pb.GetSubscriptionRequest, call: Call) -> pb.GetSubscriptionResponse:
        """One."""
        return pb.GetSubscriptionResponse(subscription=codec.shown(await subscriptions.get(call.tx, request.subscription_id, call.owners)))

    async def list_subscriptions(self, request: pb.ListSubscriptionsRequest, call: Call) -> pb.ListSubscriptionsResponse:
        """Newest first."""
        page = Page.of(request, datetime, str)
        found = await subscriptions.listed(
            call.tx, call.owners, service_id=request.service_id, subscriber=request.subscriber, running_only=request.running_only,
            after=(page.after[0], page.after[1]) if page.after else None, limit=page.size + 1,
        )  # fmt: skip
        fitting, token = page.fit(found, codec.shown, lambda one: (one.started_at, one.subscription_id))
        return pb.ListSubscriptionsResponse(subscriptions=fitting, next_page_token=token)

    async def check_subscription(self, request: pb.CheckSubscriptionRequest, call: Call) -> pb.CheckSubscriptionResponse:
        """What a user has running with a service; of a suspended one nobody may use anything."""
        running = await subscriptions.running(call.tx, call.owners, service_id=request.service_id, subscriber=request.subscriber)
        if running and await entries.is_suspended(call.tx, request.service_id):
            raise ServiceSuspended(request.service_id)
        return pb.CheckSubscriptionResponse(subscriptions=[codec.shown(one) for one in running])


class Uses:
    """UseService."""

    async def record_uses(self, request: use_service_pb2.RecordUsesRequest, call: Call) -> use_service_pb2.RecordUsesResponse:
        """Record what is new, in one transaction with what is said of it; the service alone, over a trusted connection."""
        tx, service_id, subject = call.tx, request.service_id, call.caller.subject
        may_record(service_id, subject=subject, is_trusted=await projections.is_trusted(tx, subject, call.at))
        if await entries.is_suspended(tx, service_id):
            raise ServiceSuspended(service_id)
        uses = [codec.use(message) for message in request.uses]
        ids = [use.use_id for use in uses]
        of_uses = await subscriptions.of_uses(tx, service_id, uses)
        verdicts = judge(uses, await subscriptions.recorded(tx, service_id, ids), of_uses, at=call.at)
        new = [verdict.use for verdict in verdicts if verdict.became is Became.RECORDED]
        mine = await subscriptions.record(tx, service_id, new, call.at) if new else set()
        if len(mine) < len(new):
            # Another report was faster with some of the ids: what is recorded by now, but not by us, is judged again.
            by_others = await subscriptions.recorded(tx, service_id, [use_id for use_id in ids if use_id not in mine])
            verdicts = judge(uses, by_others, of_uses, at=call.at)
            new = [use for use in new if use.use_id in mine]
        await outbox.append(tx, *(codec.used(service_id, use) for use in new))
        return use_service_pb2.RecordUsesResponse(results=[codec.result(verdict) for verdict in verdicts])
