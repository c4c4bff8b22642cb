"""Is an accessibility statement good enough? Software needs WCAG 2 level AA (as EN 301 549 asks of public bodies) and a language of the city;
a service without software needs a way in that is no software, or a statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

GOOD_ENOUGH = ("AA", "AAA")


@dataclass(frozen=True, slots=True)
class Statement:
    """What a manifest says: the WCAG level (`A`, `AA`, `AAA`), BCP 47 languages, and how the service is had without software."""

    wcag_level: str
    languages: Sequence[str]
    offline_channel: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a statement is not good enough."""

    code: str
    field_path: str
    message: str
    hint: str


def check(statement: Statement | None, *, has_software: bool, city_languages: Sequence[str]) -> tuple[Fault, ...]:
    """All that is wrong; nothing where the statement is good enough."""
    spoken = ", ".join(city_languages)
    if statement is None:
        hint = f"say wcagLevel AA or AAA and one of the languages {spoken}"
        hint += "" if has_software else ", or name an offlineChannel"
        return (Fault("ACCESSIBILITY_MISSING", "spec.accessibility", "there is no accessibility statement", hint),)
    if not has_software and statement.offline_channel.strip():
        return ()
    faults = []
    if statement.wcag_level not in GOOD_ENOUGH:
        message = f"level {statement.wcag_level or 'none'} is below AA"
        faults.append(Fault("WCAG_TOO_LOW", "spec.accessibility.wcagLevel", message, "reach AA or AAA"))
    offered = {language.split("-")[0].lower() for language in statement.languages}
    if not offered & {language.split("-")[0].lower() for language in city_languages}:
        message = f"none of {', '.join(statement.languages) or 'no languages'} is a language of the city"
        faults.append(Fault("LANGUAGE_MISSING", "spec.accessibility.languages", message, f"offer at least one of {spoken}"))
    return tuple(faults)
