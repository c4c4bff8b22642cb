"""Who may read a product now, and under which contract."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from stratapolis.data.domain.contract import Contract, ContractState, same_purpose
from stratapolis.data.domain.errors import (
    ConnectionNotTrusted,
    ContractEnded,
    ContractMissing,
    ContractNotGranted,
    ProductNotFound,
    PurposeMissing,
    PurposeNotGranted,
)
from stratapolis.data.domain.product import Classification, Product

SYSTEM = "system:"
"""What a service's own identity begins with; the service's id follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who reads."""

    subject: str
    kind: str
    owners: tuple[str, ...]

    @property
    def service_id(self) -> str:
        """The service that reads with its own identity; empty: somebody or something else."""
        return self.subject.removeprefix(SYSTEM) if self.kind == "system" and self.subject.startswith(SYSTEM) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Why a read is let through: `contract` where it is under one; else the product is open, or the reader's own."""

    contract: Contract | None = None


def may_read(product: Product, reader: Reader, *, purpose: str, connected: bool, contracts: Sequence[Contract], at: datetime) -> Grant:
    """Let a read through, or say why not; `contracts` are those of the reading service for the product.

    Raises ProductNotFound, ConnectionNotTrusted, ContractMissing, ContractNotGranted, ContractEnded, PurposeMissing, PurposeNotGranted.
    """
    if not product.visible_to(reader.owners):
        raise ProductNotFound(product.name)
    if product.classification is Classification.OPEN or (not reader.service_id and product.owner in reader.owners):
        return Grant()
    if not reader.service_id:
        raise ContractMissing(product.name)
    if not connected:
        raise ConnectionNotTrusted
    return Grant(contract=_under(product, contracts, purpose, at))


def _under(product: Product, contracts: Sequence[Contract], purpose: str, at: datetime) -> Contract:
    if not contracts:
        raise ContractMissing(product.name)
    if not purpose.strip():
        raise PurposeMissing
    fitting = [contract for contract in contracts if same_purpose(contract.purpose, purpose)]
    if not fitting:
        raise PurposeNotGranted(purpose)
    granted = [contract for contract in fitting if contract.state is ContractState.GRANTED and contract.end_at > at]
    running = [contract for contract in granted if contract.start_at <= at]
    if running:
        return max(running, key=lambda contract: contract.end_at)
    waiting = granted or [contract for contract in fitting if contract.state is ContractState.HELD]
    if waiting:
        raise ContractNotGranted(waiting[0].contract_id)
    raise ContractEnded(product.name)
