"""Migrations since a released version only expand: code of that version runs on the schema of this one.

What a release shipped is never changed. A migration that came later may add, and may loosen what is there; it may not take, rename, retype or
tighten what the released code uses. The way out, once no release that is still run needs the old form: a line `-- contracts after VERSION: why`
in the migration, where VERSION is a baseline that is not the newest.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

WAY_OUT = re.compile(r"^-- contracts after (\S+): \S", re.MULTILINE)
_NOISE = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_BODY = re.compile(r"(\$\w*\$).*?\1|'(?:[^']|'')*'", re.DOTALL)
_CREATED = re.compile(r"create (?:or replace )?(?:unlogged )?(?:table|view|function) (?:if not exists )?(\w+)")
_ALTERED = re.compile(r"alter table (?:if exists )?(?:only )?(\w+) (.*)")
_TAKEN = re.compile(
    r"(?:drop (?!index|trigger)\w+ (?:if exists )?|revoke .* on (?:table )?|truncate (?:table )?)(?P<what>[\w, ]+?)(?: from \w+| cascade|\(.*)?$"
)
"""What is made anew in the same migration is not taken away; an index or a trigger less refuses nothing."""
_UNIQUE = re.compile(r"create unique index (?:if not exists )?\w* ?on (\w+)")


def migrations(root: Path) -> dict[str, str]:
    """Every migration's text, by its path from the root."""
    return {file.relative_to(root).as_posix(): file.read_text() for file in sorted(root.glob("services/**/migrations/*.sql"))}


def shipped(texts: Mapping[str, str]) -> str:
    """What a release keeps of its migrations: their names and sums."""
    return json.dumps({name: hashlib.sha256(text.encode()).hexdigest() for name, text in sorted(texts.items())}, indent=1) + "\n"


def faults(texts: Mapping[str, str], baselines: Path) -> list[str]:
    """What of today's migrations would break a released version, a line each."""
    releases = {file.name.removesuffix(".migrations.json"): json.loads(file.read_text()) for file in baselines.glob("*.migrations.json")}
    if not releases:
        return []
    newest = max(releases, key=_number)
    found = []
    for version, sums in releases.items():
        for name, digest in sums.items():
            if name not in texts:
                found.append(f"{name}: was released with {version} and is gone")
            elif hashlib.sha256(texts[name].encode()).hexdigest() != digest:
                found.append(f"{name}: was released with {version} and has another text: write a new migration instead")
    for name, text in texts.items():
        if name not in releases[newest] and not _may_contract(text, releases, newest):
            found += [f"{name}: {what}; code of {newest} runs on this schema" for what in tightens(text)]
    return found


def tightens(text: str) -> list[str]:
    """What a migration takes from, or asks more of, tables that it has not made itself."""
    statements = list(_statements(text))
    made = {match[1] for statement in statements if (match := _CREATED.match(statement))}
    dropped = {name for statement in statements for name in re.findall(r"drop constraint (?:if exists )?(\w+)", statement)}
    return [fault for statement in statements for fault in _faults(statement, made, dropped)]


def _faults(statement: str, made: set[str], dropped: set[str]) -> Iterator[str]:
    """A check that replaces one of its name is taken for a wider one: that is what such a change is for, and the reader of the migration sees it."""
    if altered := _ALTERED.match(statement):
        if altered[1] not in made:
            yield from (f"{altered[1]}: {what}" for action in _actions(altered[2]) if (what := _tightening(action, dropped)))
    elif unique := _UNIQUE.match(statement):
        if unique[1] not in made:
            yield f"{unique[1]}: must be unique from now on"
    elif (taken := _TAKEN.match(statement)) and not set(taken["what"].replace(",", " ").split()) <= made:
        yield f"{statement[:60]!r} takes something away"


def _tightening(action: str, dropped: set[str]) -> str:
    """What an action of `alter table` takes or asks for; empty when it only adds or loosens."""
    if re.match(r"drop (?!constraint)", action):
        return f"{action!r} takes a column away"
    if action.startswith("rename"):
        return f"{action!r}"
    if re.match(r"alter (column )?\w+ (set data )?type", action):
        return f"{action!r} changes a type"
    if re.match(r"alter (column )?\w+ (set not null|drop default)", action):
        return f"{action!r}: rows without a value are refused from now on"
    if action.startswith("add constraint"):
        return "" if action.split()[2] in dropped else f"{action[:60]!r} refuses what was allowed"
    if re.match(r"add (check|unique|primary|foreign|exclude)", action):
        return f"{action[:60]!r} refuses what was allowed"
    if re.match(r"add (column )?", action) and "not null" in action and not re.search(r"\b(default|generated)\b", action):
        return f"{action[:60]!r} is not null and has no default"
    return ""


def _actions(text: str) -> list[str]:
    """The actions of an `alter table`, parted at commas outside brackets."""
    parts, depth = [""], 0
    for sign in text:
        depth += (sign == "(") - (sign == ")")
        if sign == "," and not depth:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts]


def _statements(text: str) -> Iterator[str]:
    plain = _BODY.sub("''", _NOISE.sub(" ", text))
    for statement in plain.split(";"):
        if flat := " ".join(statement.split()).lower():
            yield flat


def _may_contract(text: str, releases: Mapping[str, object], newest: str) -> bool:
    said = WAY_OUT.search(text)
    return bool(said and said[1] in releases and said[1] != newest)


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))
