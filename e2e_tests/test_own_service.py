"""What the README says to type brings a service of one's own live; each line is run as it stands there."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import sys

import httpx
import pytest
from city.value_catalog.v1.catalog_service_pb2 import GetServiceRequest
from city.value_catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from stratapolis.cli.local.city import until

from e2e_tests.conftest import ROOT, Town

README = (ROOT / "README.md").read_text()
TYPED = re.findall(r"^\.venv/bin/(city [^#\n]+?)\s*(?:#.*)?$", README, re.MULTILINE)
OFFLINE = ("explain", "--help")


async def typed(line: str, town: Town, *more: str) -> str:
    """What a command says when a person types it in the workshop."""
    words = [str(ROOT / word) if word.startswith("examples/") else word for word in shlex.split(line)[1:]]
    head = words[: words.index("--")] if "--" in words else words
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from stratapolis.cli.main import main; main()", *head, *more, *words[len(head) :],
        cwd=town.workshop, env=os.environ | {"CITY_FOLDER": str(town.city.folder)}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(90):
        out, err = await process.communicate()
    assert process.returncode == 0, f"{line}: {out.decode()}{err.decode()}"
    return out.decode()


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_the_readme_brings_a_service_of_ones_own_live(town: Town) -> None:
    creator = service_id = said = ""
    for line in TYPED:
        if line.split()[1] in OFFLINE:
            continue
        if line.startswith("city creators register"):
            creator = json.loads(await typed(line.replace("Lantern Works", "Lantern and Daughters"), town, "--json"))["creatorId"]
        elif line.startswith("city propose"):
            (done,) = json.loads(await typed(line, town, "--json"))["proposed"]
            service_id = done["journey"]["serviceId"]
            await town.listed(service_id)
        else:
            said = await typed(line.replace(" ID", f" {creator}"), town)
            assert said.strip(), line
    assert service_id in said, "the last command finds the service"
    entry = (await town.city.stub(CatalogServiceStub, "value_catalog").GetService(GetServiceRequest(service_id=service_id))).entry
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(entry.endpoint)).json() == {"hello": "city", "service": service_id}
    await narrowed(town, service_id, creator)
    retiring = json.loads(await typed(f"city services retire {service_id} --reason 'it was a test' --as Ada", town, "--json"))
    await town.ended([retiring["journeyId"]])
    await typed("city login --as officer", town)


async def narrowed(town: Town, service_id: str, creator: str) -> None:
    """Each filter of `city services` keeps it or leaves it out, and what does not fit on a page is said."""
    keeps = f"--for resident --cost free --indicator city/uses --by {creator} --category community --box 52.3 13.1 52.7 13.8"
    leaves = ["--for tourist", "--cost paid", "--indicator city/time_to_onboard", "--by nobody", "--category mobility", "--life-event moved-here"]
    found = await asyncio.gather(*(typed(f"city services hello {words}", town, "--json") for words in (keeps, *leaves)))
    for words, text in zip((keeps, *leaves), found, strict=True):
        listed = {one["serviceId"] for one in json.loads(text)["services"]}
        assert (service_id in listed) is (words == keeps), words

    async def more() -> bool:
        page = json.loads(await typed("city services --limit 1", town, "--json"))
        return len(page["services"]) == 1 and bool(page["more"])

    await town.propose()
    await until(more, "a second service", within=60)
    assert "there are more" in await typed("city services --limit 1", town)
