"""Options that many commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Option("--folder", envvar="CITY_FOLDER", help="Folder of the city.", show_default=True)]
As = Annotated[str | None, typer.Option("--as", metavar="NAME", help="Who calls; without it: who logged in last, else the founding officer.")]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON, for programs.")]
Layer = Annotated[str, typer.Option("--layer", "-l", help="The layer asked, such as governance.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="The most to show.")]
HERE = Path(".city")
