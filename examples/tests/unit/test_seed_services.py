import csv
import re
from collections import Counter
from decimal import Decimal

import pytest
from stratapolis.examples.recorded import data_folder
from stratapolis.examples.seed_services import SeedService, seed_services

FIGURES = ("cases_2015", "closed_pct", "with_target", "on_time_pct", "target_hours_median", "close_hours_median")


@pytest.fixture(scope="module")
def services() -> tuple[SeedService, ...]:
    return seed_services(data_folder())


def rows(name: str) -> list[dict[str, str]]:
    with (data_folder() / name).open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def test_names_descriptions_and_figures_are_as_published() -> None:
    as_published = [[row[column] for column in ("name", "description", "category", *FIGURES)] for row in rows("seed-city-services.csv")]
    assert as_published == [[row[column] for column in ("name", "description", "category", *FIGURES)] for row in rows("seed-services.csv")]


def test_the_indicator_is_the_published_pairs_u4ssc_code_else_iso_else_our_own() -> None:
    for published, ours in zip(rows("seed-city-services.csv"), rows("seed-services.csv"), strict=True):
        expected = [("u4ssc", published["u4ssc"]), ("iso37120", published["iso37120"]), ("city", "requests_closed_on_time")]
        assert (ours["framework"], ours["code"]) == next(pair for pair in expected if pair[1])


def test_39_have_a_u4ssc_indicator_6_an_iso_one_and_4_none_that_fits(services: tuple[SeedService, ...]) -> None:
    assert Counter(service.framework for service in services) == {"u4ssc": 39, "iso37120": 6, "city": 4}
    assert {service.name for service in services if service.framework == "city"} == {"Pest control", "Dead animal removal", "Needle exchange", "Dog wardens"}


def test_slugs_are_unique_and_fit_a_host_name(services: tuple[SeedService, ...]) -> None:
    assert len({service.slug for service in services}) == len(services) == 49
    assert all(re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", service.slug) and len(service.slug) <= 63 for service in services)


def test_each_serves_known_stakeholders_none_of_them_twice(services: tuple[SeedService, ...]) -> None:
    known = {"resident", "business", "visitor", "worker", "student", "tourist", "other"}
    assert all(service.stakeholders and set(service.stakeholders) <= known for service in services)
    assert all(len(set(service.stakeholders)) == len(service.stakeholders) for service in services)
    assert {one for service in services for one in service.stakeholders} == known


def test_22_have_figures_and_27_none(services: tuple[SeedService, ...]) -> None:
    assert Counter(service.figures is not None for service in services) == {True: 22, False: 27}


def test_a_figure_that_was_not_published_is_none_not_zero(services: tuple[SeedService, ...]) -> None:
    by_slug = {service.slug: service.figures for service in services}
    bulky, lighting, drains = by_slug["bulky-household-waste-collections"], by_slug["street-lighting"], by_slug["drain-and-gully-clearance"]
    assert bulky is not None
    assert lighting is not None
    assert drains is not None
    assert (bulky.cases, bulky.on_time_pct, bulky.with_target) == (5380, None, None)
    assert (lighting.cases, lighting.with_target, lighting.on_time_pct) == (9984, 9982, Decimal("68.2"))
    assert drains.on_time_pct == 0
