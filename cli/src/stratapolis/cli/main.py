"""The `city` command."""

from __future__ import annotations

import logging
from collections.abc import Callable

import structlog
import typer
from stratapolis.cli import (
    agreements,
    audit,
    creators,
    dead_letters,
    ideas,
    indicators,
    innovation,
    journeys,
    ledger,
    local_city,
    login,
    logs,
    manifests,
    new,
    operate,
    policy,
    services,
    story,
)

app = typer.Typer(
    name="city",
    help="Runs a city on this machine and talks to it.\n\nStart with `city up`. Then: `city status`, `city new service NAME`, `city propose FILE`, `city journey ID --watch`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS: dict[str, Callable[..., None]] = {
    "up": local_city.up,
    "init": local_city.init,
    "reset": local_city.reset,
    "demo": story.demo,
    "status": operate.status,
    "logs": logs.logs,
    "login": login.login,
    "propose": journeys.propose,
    "journey": journeys.journey,
    "journeys": journeys.journeys,
    "decide": journeys.decide,
    "withdraw": journeys.withdraw,
    "validate": manifests.validate,
    "explain": manifests.explain,
    "service": services.service,
    "scorecard": indicators.scorecard,
}
for name, command in COMMANDS.items():
    app.command(name)(command)
app.add_typer(new.app, name="new")
app.add_typer(services.app, name="services")
app.add_typer(creators.app, name="creators")
app.add_typer(operate.pools, name="pools")
app.add_typer(operate.artefacts, name="artefacts")
app.add_typer(policy.app, name="policy")
app.add_typer(agreements.app, name="agreements")
app.add_typer(ledger.app, name="ledger")
app.add_typer(indicators.app, name="indicators")
app.add_typer(ideas.app, name="ideas")
app.add_typer(innovation.challenges, name="challenges")
app.add_typer(innovation.pilots, name="pilots")
app.add_typer(innovation.programmes, name="programmes")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(audit.app, name="audit")


@app.callback()
def quiet() -> None:
    """Libraries keep silent: what matters is told by the command itself."""
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def main() -> None:
    """Entry point of the console script."""
    app()
