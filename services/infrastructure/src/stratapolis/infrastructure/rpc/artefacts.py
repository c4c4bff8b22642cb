"""Artefacts: the only software that runs, registered by operators."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from city.infrastructure.v1 import artefact_service_pb2 as pb
from stratapolis.chassis.db import Row
from stratapolis.chassis.errors import InvalidField
from stratapolis.chassis.paging import Page
from stratapolis.chassis.rpc import Call
from stratapolis.chassis.times import to_timestamp
from stratapolis.infrastructure.domain.errors import SumMismatch
from stratapolis.infrastructure.providers.artefacts import allowed, sum_of
from stratapolis.infrastructure.providers.provider import Artefact
from stratapolis.infrastructure.store import artefacts

PROGRAMS = ("{python}", "{folder}/", "/")


@dataclass(frozen=True, slots=True)
class Artefacts:
    """ArtefactService. Artefacts lie below `roots`."""

    roots: Sequence[Path]

    async def register_artefact(self, request: pb.RegisterArtefactRequest, call: Call) -> pb.RegisterArtefactResponse:
        """Make a folder's files what later deployments run. A folder is small by rule, so its sum is taken while the transaction is open."""
        if not request.argv[0].startswith(PROGRAMS):
            raise InvalidField("argv[0]", "the program is `{python}`, a path below `{folder}/`, or an absolute path")
        if any("\0" in part for part in (request.folder, *request.argv)):
            raise InvalidField("argv", "no zero bytes")
        folder = allowed(request.folder, self.roots)
        found = await asyncio.to_thread(sum_of, folder)
        if request.sha256 and request.sha256 != found:
            raise SumMismatch(f"the files in {folder} have the sum {found}", found=found)
        row = await artefacts.register(call.tx, Artefact(name=request.name, sha256=found, folder=str(folder), argv=list(request.argv)), call.at)
        return pb.RegisterArtefactResponse(artefact=_shown(row))

    async def list_artefacts(self, request: pb.ListArtefactsRequest, call: Call) -> pb.ListArtefactsResponse:
        """A page of artefacts."""
        page = Page.of(request, str)
        rows = await artefacts.listed(call.tx, page.after[0] if page.after else "", page.size + 1)
        fitting, token = page.fit(rows, _shown, lambda row: (row["name"],))
        return pb.ListArtefactsResponse(artefacts=fitting, next_page_token=token)


def _shown(row: Row) -> pb.Artefact:
    return pb.Artefact(name=row["name"], sha256=row["sha256"], folder=row["folder"], argv=row["argv"], register_time=to_timestamp(row["registered_at"]))
