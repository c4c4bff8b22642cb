"""`city agreements`: who shares the revenue of services, what they promise, and what they missed."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import typer
from city.policy.v1.agreement_pb2 import AgreedMetric, Agreement, AgreementState
from city.policy.v1.agreement_service_pb2 import (
    CreateAgreementRequest,
    GetAgreementRequest,
    ListAgreementsRequest,
    ListPerformanceFailuresRequest,
    SignAgreementRequest,
)
from city.policy.v1.agreement_service_pb2_grpc import AgreementServiceStub
from city.types.v1.types_pb2 import DIRECTION_LOWER_IS_BETTER, Share
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.money import to_decimal
from stratapolis.chassis.times import to_timestamp
from stratapolis.cli import given
from stratapolis.cli.options import HERE, As, Folder, Json, Limit
from stratapolis.cli.refused import told
from stratapolis.cli.screen import Screen, as_data, clock, money, word
from stratapolis.cli.session import pages, session

app = typer.Typer(help="Agreements: shares of revenue, promises with penalties, signatures.", no_args_is_help=True)
Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the agreement.")]
METRICS = """A YAML list of promises, each as the contract writes an AgreedMetric: indicator {framework, code, measure}, scope, direction, bound, party,
penalty {currency_code, units, nanos}."""


@app.command()
@told
async def create(
    title: Annotated[str, typer.Argument(metavar="TITLE", help="What it is about.")],
    share: Annotated[list[str], typer.Option("--share", metavar="PARTY=PERCENT", help="A party's part of the revenue; repeatable, 100 in all.")],
    until: Annotated[str, typer.Option("--until", metavar="YYYY-MM-DD", help="First day after the term, in UTC.")],
    currency: Annotated[str, typer.Option("--currency", help="Of every amount under it.")] = "EUR",
    metrics: Annotated[Path | None, typer.Option("--metrics", metavar="FILE", help=METRICS)] = None,
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Make an agreement for its parties to sign: an admin of a party, or an officer."""
    asked = CreateAgreementRequest(
        request_id=new_id(), title=title, currency=currency, end_time=to_timestamp(_day(until)), shares=_shares(share), metrics=given.listed(metrics, AgreedMetric, option="--metrics")
    )  # fmt: skip
    async with session(folder, as_) as client:
        made = (await client.stub(AgreementServiceStub, "policy").CreateAgreement(asked)).agreement
    screen = Screen(as_json)
    screen.data({"agreement": as_data(made)})
    screen.line(f"made {made.agreement_id}; each party signs: city agreements sign {made.agreement_id} PARTY")


@app.command()
@told
async def sign(
    agreement: Id,
    party: Annotated[str, typer.Argument(metavar="PARTY", help="Who is signed for: `city`, or the caller's value creator.")],
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Sign for a party; the last signature puts the agreement in force."""
    async with session(folder, as_) as client:
        asked = SignAgreementRequest(request_id=new_id(), agreement_id=agreement, party=party)
        found = (await client.stub(AgreementServiceStub, "policy").SignAgreement(asked)).agreement
    screen = Screen(as_json)
    screen.data({"agreement": as_data(found)})
    missing = [each.party for each in found.shares if each.party not in {signature.party for signature in found.signatures}]
    screen.line(f"signed for {party}; " + (f"{', '.join(missing)} still to sign" if missing else "it is in force"))


@app.command("list")
@told
async def listed(
    party: Annotated[str, typer.Option("--party", help="Only those of this party.")] = "",
    limit: Limit = 100,
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """List agreements, newest first: all for an officer, else those of the caller's own."""
    async with session(folder, as_) as client:
        found = await pages(client.stub(AgreementServiceStub, "policy").ListAgreements, ListAgreementsRequest(party=party), "agreements", limit)
    screen = Screen(as_json)
    screen.data({"agreements": [as_data(each) for each in found]})
    rows = [(a.agreement_id, a.title, word(AgreementState, a.state), _parties(a), str(len(a.metrics)), clock(a.end_time)) for a in found]
    screen.table(("ID", "TITLE", "STATE", "SHARES", "PROMISES", "UNTIL"), rows, empty="no agreement yet")


@app.command()
@told
async def show(agreement: Id, as_: As = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """Show one agreement: shares, promises, signatures."""
    async with session(folder, as_) as client:
        found = (await client.stub(AgreementServiceStub, "policy").GetAgreement(GetAgreementRequest(agreement_id=agreement))).agreement
    screen = Screen(as_json)
    screen.data({"agreement": as_data(found)})
    screen.line(f"{found.title}: {word(AgreementState, found.state)}, {_parties(found)}, {clock(found.start_time)} to {clock(found.end_time)}")
    screen.table(("SIGNED FOR", "BY", "AT"), [(s.party, s.subject, clock(s.sign_time)) for s in found.signatures], empty="nobody has signed")
    screen.table(("PROMISED BY", "OF", "VALUE", "PENALTY"), [(m.party, _named(m), _bound(m), _penalty(m)) for m in found.metrics], empty="nothing is promised")


@app.command()
@told
async def failures(
    agreement: Annotated[str, typer.Option("--agreement", metavar="ID", help="Only those of this agreement.")] = "",
    standing: Annotated[bool, typer.Option("--standing", help="Leave out what a corrected value has taken back.")] = False,
    limit: Limit = 100,
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """List periods in which something promised was missed, newest first."""
    async with session(folder, as_) as client:
        query = ListPerformanceFailuresRequest(agreement_id=agreement, standing_only=standing)
        found = await pages(client.stub(AgreementServiceStub, "policy").ListPerformanceFailures, query, "failures", limit)
    screen = Screen(as_json)
    screen.data({"failures": [as_data(each) for each in found]})
    rows = [
        (f.metric.party, _named(f.metric), f.period, f"{f.value} {f.unit}", _bound(f.metric), _penalty(f.metric), clock(f.withdraw_time) or "stands")
        for f in found
    ]
    screen.table(("PARTY", "OF", "PERIOD", "VALUE", "AGREED", "PENALTY", "TAKEN BACK"), rows, empty="nothing was missed")


def _day(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no day; write it like 2027-12-31", param_hint="--until") from None


def _shares(given: list[str]) -> list[Share]:
    found = []
    for text in given:
        party, _, percent = text.rpartition("=")
        try:
            points = Decimal(percent) * 100
            found.append(Share(party=party, basis_points=int(points)))
        except (InvalidOperation, ValueError):
            points = Decimal("NaN")
        if not party or points != points.to_integral_value():
            raise typer.BadParameter(f"{text!r} is no share; write it like city=12.5, with two places at most", param_hint="--share")
    return found


def _parties(of: Agreement) -> str:
    return ", ".join(f"{share.party} {share.basis_points / 100:g} %" for share in of.shares)


def _named(of: AgreedMetric) -> str:
    return f"{of.indicator.code} {of.indicator.measure}".strip() + ("" if of.scope in ("", "city") else f" of {of.scope}")


def _bound(of: AgreedMetric) -> str:
    return f"at {'most' if of.direction == DIRECTION_LOWER_IS_BETTER else 'least'} {of.bound}"


def _penalty(of: AgreedMetric) -> str:
    return money(to_decimal(of.penalty), of.penalty.currency_code)
