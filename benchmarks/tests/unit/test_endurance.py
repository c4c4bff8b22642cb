"""Memory that grows is told from memory that was taken once."""

from __future__ import annotations

from benchmarks.endurance import figures


def readings(*governance: int) -> list[dict[str, int]]:
    """Kilobytes of two layers and a store."""
    return [{"governance": kb, "policy": 50_000, "kafka": 100_000 * n} for n, kb in enumerate(governance, start=1)]


def test_what_is_taken_at_the_start_and_kept_is_no_growth() -> None:
    judged = figures(readings(50_000, 90_000, 90_000, 90_000, 90_000, 90_000, 90_000, 90_000), "")[0]
    assert judged.value == 0
    assert judged.met


def test_what_goes_on_growing_misses_the_target_and_stores_are_not_judged() -> None:
    found = figures(readings(60_000, 70_000, 80_000, 90_000, 100_000, 110_000, 120_000, 130_000), "")
    assert found[0].value == 100 * (175_000 / 155_000 - 1)
    assert not found[0].met
    by_name = {figure.what: figure for figure in found}
    assert by_name["memory of policy, growth"].value == 0
    assert by_name["memory of governance, growth"].note == "105.0 to 125.0 MB"
    assert by_name["memory of kafka, growth"].met is None
