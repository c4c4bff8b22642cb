"""`city audit`: who did what, who was denied what, and whether the trail is whole."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from city.connectivity.v1.audit_service_pb2 import AuditFault, QueryAuditRequest, VerifyAuditRequest, VerifyAuditResponse
from city.connectivity.v1.audit_service_pb2_grpc import AuditServiceStub
from stratapolis.cli.client import Client
from stratapolis.cli.options import HERE, As, Folder, Json, Limit
from stratapolis.cli.refused import told
from stratapolis.cli.screen import Screen, as_data, clock
from stratapolis.cli.session import pages, session

app = typer.Typer(help="The audit trail: grants, logins, denials; and the proof that nobody changed it (officer).", no_args_is_help=True)
Subject = Annotated[str, typer.Option("--subject", help="What one subject did or was denied.")]
Action = Annotated[str, typer.Option("--action", help="One action, such as login, deny or grant_roles.")]
About = Annotated[str, typer.Option("--about", help="What was done to one object: an identity, a connection, an RPC's full name.")]
Number = Annotated[int, typer.Option("--seal", min=0, help="Number of a seal that was seen before, in a log or in the topic; with --hash.", show_default=False)]
Hash = Annotated[str, typer.Option("--hash", help="Hash of that seal.", show_default=False)]


@app.command("list")
@told
async def list_(
    subject: Subject = "", action: Action = "", about: About = "", limit: Limit = 100, as_: As = None, folder: Folder = HERE, as_json: Json = False
) -> None:
    """List what was done or denied, newest first."""
    async with session(folder, as_) as client:
        query = client.stub(AuditServiceStub, "connectivity").QueryAudit
        found = await pages(query, QueryAuditRequest(subject=subject, action=action, object=about), "records", limit)
    screen = Screen(as_json)
    screen.data({"records": [as_data(each) for each in found]})
    rows = [(clock(r.record_time), r.subject, r.action, r.object, r.outcome, _words(r.detail), str(r.seal or "")) for r in found]
    screen.table(("TIME", "SUBJECT", "ACTION", "OBJECT", "OUTCOME", "DETAIL", "SEAL"), rows, empty="no record")


@app.command()
@told
async def verify(seal: Number = 0, hash_: Hash = "", as_: As = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """Recompute every seal of the trail, page by page. The exit code is 0 only if nothing was changed, left out or cut off."""
    screen = Screen(as_json)
    async with session(folder, as_) as client:
        found, faults = await _walked(client, VerifyAuditRequest(seal_number=seal, seal_hash=hash_))
    screen.data({**as_data(found), "faults": [as_data(fault) for fault in faults], "intact": not faults})
    screen.table(("SEAL", "FAULT"), [(str(fault.seal), fault.message) for fault in faults], empty="the trail is whole")
    screen.line(f"{found.records} records under {found.seals} seals, {found.unsealed} not sealed yet; newest seal {found.newest_hash or 'none'}")
    if faults:
        raise typer.Exit(1)


async def _walked(client: Client, request: VerifyAuditRequest) -> tuple[VerifyAuditResponse, list[AuditFault]]:
    """The whole trail, a call a page; what was counted, and every fault."""
    stub, whole, faults = client.stub(AuditServiceStub, "connectivity"), VerifyAuditResponse(), list[AuditFault]()
    while True:
        page = await stub.VerifyAudit(request)
        faults += page.faults
        whole.seals, whole.records = whole.seals + page.seals, whole.records + page.records
        whole.unsealed, whole.newest_hash = page.unsealed, page.newest_hash
        if not page.next_page_token:
            return whole, faults
        request.page_token = page.next_page_token


def _words(detail: Any) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(detail.items()))
