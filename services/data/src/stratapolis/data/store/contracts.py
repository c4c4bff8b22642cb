"""Contracts, live services, connections and disclosures in the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from stratapolis.chassis.db import Row, Tx
from stratapolis.data.domain.contract import Contract, ContractState

PUT = """
    insert into contract (contract_id, product, product_owner, service_id, version, owner, purpose, start_at, end_at, state, reason, journey_id, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    on conflict (contract_id) do update set state = excluded.state, reason = excluded.reason"""
LIST = """
    select * from contract
    where ($1::text[] is null or owner = any($1) or product_owner = any($1))
      and ($2 = '' or product = $2) and ($3 = '' or service_id = $3) and (cardinality($4::text[]) = 0 or state = any($4))
      and ($5::timestamptz is null or (created_at, contract_id) < ($5, $6))
    order by created_at desc, contract_id desc limit $7"""
DUE = "select * from contract where state = 'granted' and end_at <= $1 order by end_at limit $2 for update skip locked"
DISCLOSE = """
    insert into disclosure (contract_id, product, product_owner, service_id, owner, subject, purpose, rpc, observations, disclosed_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"""
LIST_DISCLOSURES = """
    select * from disclosure
    where ($1::text[] is null or owner = any($1) or product_owner = any($1)) and ($2 = '' or product = $2) and ($3 = '' or contract_id = $3)
      and ($4::bigint is null or id < $4)
    order by id desc limit $5"""
TRUST = """
    insert into connection (connection_id, subject, end_at, severed) values ($1, $2, $3, false)
    on conflict (connection_id) do update set end_at = excluded.end_at"""
SEVER = """
    insert into connection (connection_id, subject, end_at, severed) values ($1, '', null, true)
    on conflict (connection_id) do update set severed = true"""
CONNECTED = "select exists (select from connection where subject = $1 and not severed and (end_at is null or end_at > $2))"

TAKE_OVER = """
    update contract c set journey_id = $1, version = $2 from carried r
    where r.journey_id = $1 and r.contract_id = c.contract_id and c.state = 'granted'"""
OPEN = "select * from contract where service_id = $1 and state in ('held', 'granted') order by contract_id for update"


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure:
    """Who got what, when, under which contract."""

    number: int
    contract_id: str
    product: str
    service_id: str
    subject: str
    purpose: str
    rpc: str
    observations: int
    disclosed_at: datetime


async def put_contract(tx: Tx, contract: Contract) -> None:
    """Store a contract, or its new state."""
    await tx.execute(
        PUT, contract.contract_id, contract.product, contract.product_owner, contract.service_id, contract.version, contract.owner, contract.purpose,
        contract.start_at, contract.end_at, contract.state.value, contract.reason, contract.journey_id, contract.created_at,
    )  # fmt: skip


async def contract_for_update(tx: Tx, contract_id: str, owners: tuple[str, ...] | None) -> Contract | None:
    """The contract, if it is one of these owners' services or on one of their products."""
    row = await tx.row(
        "select * from contract where contract_id = $1 and ($2::text[] is null or owner = any($2) or product_owner = any($2)) for update",
        contract_id, None if owners is None else list(owners),
    )  # fmt: skip
    return _contract(row) if row else None


async def contracts_of_journey(tx: Tx, journey_id: str) -> list[Contract]:
    """The contracts that a journey has brought about."""
    rows = await tx.fetch("select * from contract where journey_id = $1 order by contract_id for update", journey_id)
    return [_contract(row) for row in rows]


async def carry(tx: Tx, journey_id: str, contract_ids: Sequence[str]) -> None:
    """Note the live version's contracts that a journey refers to, in place of what an earlier attempt has left."""
    await drop_carried(tx, journey_id)
    await tx.execute("insert into carried (journey_id, contract_id) select $1, unnest($2::text[])", journey_id, list(contract_ids))


async def carried_by(tx: Tx, journey_id: str) -> list[Contract]:
    """The live version's contracts that a journey refers to."""
    rows = await tx.fetch("select c.* from carried r join contract c using (contract_id) where r.journey_id = $1 order by contract_id", journey_id)
    return [_contract(row) for row in rows]


async def take_over(tx: Tx, journey_id: str, version: int) -> None:
    """What a journey refers to is its own from now."""
    await tx.execute(TAKE_OVER, journey_id, version)
    await drop_carried(tx, journey_id)


async def drop_carried(tx: Tx, journey_id: str) -> None:
    """The journey refers to nothing any more."""
    await tx.execute("delete from carried where journey_id = $1", journey_id)


async def open_of_service(tx: Tx, service_id: str) -> list[Contract]:
    """The contracts of a service that count or wait, locked."""
    return [_contract(row) for row in await tx.fetch(OPEN, service_id)]


async def contracts_for(tx: Tx, service_id: str, product: str) -> list[Contract]:
    """A service's contracts for a product, in every state."""
    rows = await tx.fetch("select * from contract where service_id = $1 and product = $2 order by created_at, contract_id", service_id, product)
    return [_contract(row) for row in rows]


async def contracts_past_end(tx: Tx, *, at: datetime, limit: int) -> list[Contract]:
    """Granted contracts whose time is over."""
    return [_contract(row) for row in await tx.fetch(DUE, at, limit)]


async def list_contracts(
    tx: Tx,
    *,
    owners: tuple[str, ...] | None,
    product: str,
    service_id: str,
    states: Sequence[ContractState],
    after: tuple[object, ...] | None,
    limit: int,
) -> list[Contract]:
    """Contracts of these owners' services and on their products, newest first."""
    created_at, contract_id = after or (None, None)
    shown = list(owners) if owners is not None else None
    rows = await tx.fetch(LIST, shown, product, service_id, [state.value for state in states], created_at, contract_id, limit)
    return [_contract(row) for row in rows]


async def disclose(tx: Tx, contract: Contract, *, subject: str, rpc: str, observations: int, at: datetime) -> None:
    """Record that a service got observations under its contract."""
    await tx.execute(
        DISCLOSE, contract.contract_id, contract.product, contract.product_owner, contract.service_id, contract.owner, subject, contract.purpose,
        rpc, observations, at,
    )  # fmt: skip


async def list_disclosures(
    tx: Tx, *, owners: tuple[str, ...] | None, product: str, contract_id: str, after: tuple[int, ...] | None, limit: int
) -> list[Disclosure]:
    """What was disclosed of these owners' products, and to their services, newest first."""
    shown = list(owners) if owners is not None else None
    rows = await tx.fetch(LIST_DISCLOSURES, shown, product, contract_id, after[0] if after else None, limit)
    return [
        Disclosure(
            number=row["id"],
            contract_id=row["contract_id"],
            product=row["product"],
            service_id=row["service_id"],
            subject=row["subject"],
            purpose=row["purpose"],
            rpc=row["rpc"],
            observations=row["observations"],
            disclosed_at=row["disclosed_at"],
        )
        for row in rows
    ]


async def put_service(tx: Tx, service_id: str, owner: str) -> None:
    """Note a live service."""
    await tx.execute("insert into service (service_id, owner) values ($1, $2) on conflict (service_id) do update set owner = excluded.owner", service_id, owner)


async def drop_service(tx: Tx, service_id: str) -> None:
    """The service is not live any more."""
    await tx.execute("delete from service where service_id = $1", service_id)


async def owner_of_service(tx: Tx, service_id: str) -> str | None:
    """The owner of a live service, which is locked: two requests for it follow each other."""
    found: str | None = await tx.value("select owner from service where service_id = $1 for update", service_id)
    return found


async def trust(tx: Tx, connection_id: str, subject: str, end_at: datetime | None) -> None:
    """Note a connection to data."""
    await tx.execute(TRUST, connection_id, subject, end_at)


async def sever(tx: Tx, connection_id: str) -> None:
    """Note that a connection is cut, also one that was never heard of."""
    await tx.execute(SEVER, connection_id)


async def is_connected(tx: Tx, subject: str, *, at: datetime) -> bool:
    """Whether a subject's connection to data is trusted now."""
    return bool(await tx.value(CONNECTED, subject, at))


def _contract(row: Row) -> Contract:
    return Contract(
        contract_id=row["contract_id"],
        product=row["product"],
        product_owner=row["product_owner"],
        service_id=row["service_id"],
        version=row["version"],
        owner=row["owner"],
        purpose=row["purpose"],
        start_at=row["start_at"],
        end_at=row["end_at"],
        state=ContractState(row["state"]),
        reason=row["reason"],
        journey_id=row["journey_id"],
        created_at=row["created_at"],
    )
