"""Statements: software is accessible and speaks the city's language, or the service has a way in that is no software."""

import pytest
from stratapolis.connectivity.domain.accessibility import Statement, check

CITY = ("de", "en")


def codes(statement: Statement | None, *, software: bool = True) -> list[str]:
    return [fault.code for fault in check(statement, has_software=software, city_languages=CITY)]


@pytest.mark.parametrize("level", ["AA", "AAA"])
@pytest.mark.parametrize("language", ["de", "en", "de-AT", "EN-gb"])
def test_accessible_software_in_a_language_of_the_city_is_good_enough(level: str, language: str) -> None:
    assert codes(Statement(level, ["fr", language])) == []


def test_software_without_a_statement_is_refused() -> None:
    assert codes(None) == ["ACCESSIBILITY_MISSING"]


def test_all_faults_are_told_at_once() -> None:
    faults = check(Statement("A", ["fr"]), has_software=True, city_languages=CITY)
    assert [(fault.code, fault.field_path) for fault in faults] == [
        ("WCAG_TOO_LOW", "spec.accessibility.wcagLevel"),
        ("LANGUAGE_MISSING", "spec.accessibility.languages"),
    ]


def test_an_offline_channel_does_not_excuse_software() -> None:
    assert codes(Statement("A", ["de"], "the counter in the town hall")) == ["WCAG_TOO_LOW"]


def test_a_service_without_software_needs_an_offline_channel_or_a_statement() -> None:
    assert codes(Statement("A", ["fr"], "the counter in the town hall"), software=False) == []
    assert codes(Statement("AA", ["de"]), software=False) == []
    assert codes(Statement("AA", ["fr"], "  "), software=False) == ["LANGUAGE_MISSING"]
    assert codes(None, software=False) == ["ACCESSIBILITY_MISSING"]
