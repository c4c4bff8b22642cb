"""The registry of devices."""

from __future__ import annotations

from datetime import datetime

from city.connectivity.v1 import device_service_pb2 as pb
from stratapolis.chassis.paging import Page
from stratapolis.chassis.rpc import Call
from stratapolis.connectivity import codec, store
from stratapolis.connectivity.domain import errors
from stratapolis.connectivity.domain.audit import Entry
from stratapolis.connectivity.domain.identity import Kind, State


class Devices:
    """DeviceService."""

    async def register_device(self, request: pb.RegisterDeviceRequest, call: Call) -> pb.RegisterDeviceResponse:
        """Register an enrolled thing, or change what is registered of it."""
        thing = await store.identities.for_update(call.tx, request.thing, call.owners)
        if thing is None:
            raise errors.IdentityNotFound(request.thing)
        if thing.kind is not Kind.THING:
            raise errors.NotAThing(thing.subject)
        if thing.state is not State.ACTIVE:
            raise errors.IdentityNotActive(thing.subject, thing.state)
        place = codec.place_of(request.place) if request.HasField("place") else None
        device = await store.devices.register(
            call.tx, thing=thing.subject, owner=thing.owner, type_=request.type, place=place, properties=request.properties, at=call.at
        )
        detail = {"type": device.type, "properties": ",".join(sorted(device.properties))}
        await store.audit.record(call.tx, Entry(subject=call.caller.subject, action="register_device", object=device.thing, detail=detail))
        return pb.RegisterDeviceResponse(device=codec.device(device))

    async def get_device(self, request: pb.GetDeviceRequest, call: Call) -> pb.GetDeviceResponse:
        """Show a device."""
        found = await store.devices.find(call.tx, request.thing, call.owners)
        if found is None:
            raise errors.DeviceNotFound(request.thing)
        return pb.GetDeviceResponse(device=codec.device(found))

    async def list_devices(self, request: pb.ListDevicesRequest, call: Call) -> pb.ListDevicesResponse:
        """List devices, newest first."""
        page = Page.of(request, datetime, str)
        after = (page.after[0], page.after[1]) if page.after else None
        found = await store.devices.listed(call.tx, owners=call.owners, type_=request.type, observes=request.property, after=after, limit=page.size + 1)
        fitting, token = page.fit(found, codec.device, lambda one: (one.created_at, one.thing))
        return pb.ListDevicesResponse(devices=fitting, next_page_token=token)
