"""Letting a reader in, the same way for every read."""

from dataclasses import dataclass
from datetime import datetime

from stratapolis.chassis.db import Tx
from stratapolis.chassis.identity import Caller
from stratapolis.data.domain.access import Grant, Reader, may_read
from stratapolis.data.domain.errors import ProductNotFound
from stratapolis.data.domain.product import Product
from stratapolis.data.store import contracts, products


@dataclass(frozen=True, slots=True, kw_only=True)
class LetIn:
    """A reader that may read a product now."""

    product: Product
    reader: Reader
    grant: Grant

    async def account(self, tx: Tx, rpc: str, observations: int) -> None:
        """Write down what was given out under a contract; in the transaction that reads it."""
        if self.grant.contract is not None and observations > 0:
            await contracts.disclose(tx, self.grant.contract, subject=self.reader.subject, rpc=rpc, observations=observations, at=tx.at)


async def let_in(tx: Tx, caller: Caller, name: str, purpose: str, *, at: datetime) -> LetIn:
    """Let a caller read a product; raises ProductNotFound and what `may_read` raises."""
    product = await products.product_named(tx, name)
    if product is None:
        raise ProductNotFound(name)
    reader = Reader(subject=caller.subject, kind=caller.kind, owners=caller.owners)
    connected, known = False, []
    if reader.service_id:
        connected = await contracts.is_connected(tx, caller.subject, at=at)
        known = await contracts.contracts_for(tx, reader.service_id, name)
    return LetIn(product=product, reader=reader, grant=may_read(product, reader, purpose=purpose, connected=connected, contracts=known, at=at))
