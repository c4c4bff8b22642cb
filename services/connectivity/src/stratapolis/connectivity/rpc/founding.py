"""How the city begins."""

from __future__ import annotations

from city.connectivity.v1.founding_service_pb2 import FoundCityRequest, FoundCityResponse
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.rpc import Call
from stratapolis.connectivity import codec, keys, store
from stratapolis.connectivity.domain import errors
from stratapolis.connectivity.domain.audit import Entry
from stratapolis.connectivity.domain.identity import CITY_ROLES, Kind, enrol
from stratapolis.connectivity.keeping import keep
from stratapolis.connectivity.rpc.credentials import new_key


class Founding:
    """FoundingService."""

    async def found_city(self, request: FoundCityRequest, call: Call) -> FoundCityResponse:
        """Enrol the founding officer with every role; once, whoever asks first."""
        if await store.creators.founded(call.tx):
            raise errors.AlreadyFounded
        key = keys.read_public(request.public_key_pem)
        officer, said = enrol(
            subject=f"{Kind.PERSON}:{new_id()}", kind=Kind.PERSON, creator="", display_name=request.display_name, at=call.at, roles=CITY_ROLES
        )
        entry = Entry(subject=call.caller.subject, action="found", object=officer.subject, detail={"roles": ",".join(sorted(CITY_ROLES))})
        await keep(call.tx, officer, (said,), entry)
        if not await store.creators.found(call.tx, officer.subject, call.at):
            raise errors.AlreadyFounded
        credential = new_key(officer.subject, key, at=call.at)
        await store.identities.put_key(call.tx, credential)
        return FoundCityResponse(officer=codec.identity(officer, [credential]))
