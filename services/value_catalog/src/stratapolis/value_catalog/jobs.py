"""What runs on a clock: no request passes its due time in silence."""

from __future__ import annotations

from datetime import datetime

from stratapolis.chassis import outbox
from stratapolis.chassis.db import Tx
from stratapolis.value_catalog.codec import cases as codec
from stratapolis.value_catalog.domain.case import lapse
from stratapolis.value_catalog.store import cases

AT_MOST = 200


async def note_overdue(*, tx: Tx, at: datetime) -> None:
    """Say of requests that their due time has passed, once each."""
    for case in await cases.due(tx, at, AT_MOST):
        lapsed = lapse(case, at=at)
        await cases.put(tx, lapsed)
        await outbox.append(tx, codec.overdue(lapsed))
