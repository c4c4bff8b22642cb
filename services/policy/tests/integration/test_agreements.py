"""Agreements on a real database: seen by their parties, signed by each."""

import pytest
from city.policy.v1 import agreement_service_pb2
from city.policy.v1.agreement_pb2 import AGREEMENT_STATE_OPEN, AGREEMENT_STATE_SIGNED
from city.policy.v1.events_pb2 import AgreementSigned
from stratapolis.chassis.identity import Caller
from stratapolis.policy.domain.errors import AgreementNotFound, AlreadySigned, SignatureNotYours
from stratapolis.policy.rpc.agreements import Agreements

from services.policy.tests.builders import ADA, BEA, OLGA, Layer, a_caller


async def listed(layer: Layer, caller: Caller, *, party: str = "", size: int = 100) -> list[str]:
    seen: list[str] = []
    token = ""
    while True:
        async with layer.db.transaction(readonly=True) as tx:
            asked = agreement_service_pb2.ListAgreementsRequest(party=party, page_size=size, page_token=token)
            page = await Agreements().list_agreements(asked, layer.call(tx, caller))
        seen += [agreement.agreement_id for agreement in page.agreements]
        token = page.next_page_token
        if not token:
            return seen


async def test_the_last_signature_puts_an_agreement_in_force_and_is_told(layer: Layer) -> None:
    agreement = await layer.agreement()
    first = await layer.sign(agreement.agreement_id, "acme", ADA)
    assert first.state == AGREEMENT_STATE_OPEN and await layer.under.published() == []
    last = await layer.sign(agreement.agreement_id, "city", OLGA)
    assert last.state == AGREEMENT_STATE_SIGNED
    assert [(signature.party, signature.subject) for signature in last.signatures] == [("acme", "ada"), ("city", "olga")]
    (told,) = await layer.under.published()
    assert isinstance(told, AgreementSigned) and told.agreement_id == agreement.agreement_id
    assert [(share.party, share.basis_points) for share in told.shares] == [("acme", 7_000), ("city", 3_000)]
    with pytest.raises(AlreadySigned):
        await layer.sign(agreement.agreement_id, "acme", ADA)


async def test_what_is_signed_is_what_is_shown_later(layer: Layer) -> None:
    agreement = await layer.agreement(("beta", 1), ("acme", 9_999))
    await layer.sign(agreement.agreement_id, "beta", BEA)
    signed = await layer.sign(agreement.agreement_id, "acme", ADA)
    async with layer.db.transaction(readonly=True) as tx:
        asked = agreement_service_pb2.GetAgreementRequest(agreement_id=agreement.agreement_id)
        shown = (await Agreements().get_agreement(asked, layer.call(tx, BEA))).agreement
    assert shown == signed
    assert [share.party for share in shown.shares] == ["beta", "acme"]


async def test_an_agreement_of_others_is_not_found_in_any_way(layer: Layer) -> None:
    agreement = await layer.agreement()
    said = []
    for name in (agreement.agreement_id, "agreement-9"):
        with pytest.raises(AgreementNotFound) as refused:
            async with layer.db.transaction(readonly=True) as tx:
                await Agreements().get_agreement(agreement_service_pb2.GetAgreementRequest(agreement_id=name), layer.call(tx, BEA))
        said.append(refused.value.message.replace(name, "?"))
        with pytest.raises(AgreementNotFound):
            await layer.sign(name, "acme", BEA)
    assert said[0] == said[1]
    assert await listed(layer, BEA) == await listed(layer, BEA, party="acme") == []


async def test_a_member_without_the_role_and_an_officer_do_not_sign_for_a_creator(layer: Layer) -> None:
    agreement = await layer.agreement()
    for caller in (a_caller("ben", creator="acme", creator_roles=("member",)), OLGA):
        with pytest.raises(SignatureNotYours):
            await layer.sign(agreement.agreement_id, "acme", caller)


async def test_agreements_are_listed_newest_first_by_page_to_their_parties(layer: Layer) -> None:
    ours = [(await layer.agreement()).agreement_id for _ in range(5)]
    shared = (await layer.agreement(("acme", 5_000), ("beta", 5_000))).agreement_id
    assert await listed(layer, ADA, size=2) == [shared, *ours[::-1]]
    assert await listed(layer, BEA) == [shared]
    assert await listed(layer, OLGA, party="beta") == [shared]
    assert await listed(layer, OLGA, size=3) == [shared, *ours[::-1]]


async def test_the_schema_itself_keeps_shares_whole(layer: Layer) -> None:
    agreement = await layer.agreement()
    with pytest.raises(Exception, match="add up to 9999"):
        async with layer.db.transaction() as tx:
            await tx.execute("update party set basis_points = 6999 where agreement_id = $1 and owner = 'acme'", agreement.agreement_id)
