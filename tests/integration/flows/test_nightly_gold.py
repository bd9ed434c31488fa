"""A failing test of Gold, through the flow: yesterday's Gold is served until the data is right again."""

from __future__ import annotations

import shutil

import finks
import pytest

pytestmark = [pytest.mark.prefect, pytest.mark.slow, pytest.mark.xdist_group("prefect"), pytest.mark.timeout(900)]


def test_a_failing_test_leaves_yesterdays_gold_served_alerts_once_and_the_next_run_publishes(
    prefect, vendor, gold_project
):
    directory = prefect.project / "lake"
    shutil.rmtree(directory, ignore_errors=True)
    prefect.deployed(f'{vendor.settings}[gold]\nproject = "{gold_project}"\n')

    def night(day: int) -> tuple[str, list, list]:
        """The state of a night's run, the spreads that are served after it, and the alerts so far."""
        state = prefect.run_once(logical_date=f"2024-06-0{day}")["name"]
        served = finks.open(directory).gold("quote_spreads").polars()
        told = [(alert["kind"], alert["subject"], alert["status"]) for alert in vendor.alerts]
        return state, sorted((symbol, int(spread)) for symbol, _, spread in served.rows()), told

    usual = [(symbol, 1) for symbol in vendor.symbols]
    assert night(3) == ("Completed", usual, [])
    # The contract lets this spread pass; the mart's test does not.
    vendor.asks = {"A": 99}
    opened = ("failure", "gold", "open")
    assert night(4) == ("BadData", usual, [opened])
    vendor.asks = {"A": 3}
    assert night(5) == ("Completed", [("A", 2), *usual[1:]], [opened, ("failure", "gold", "resolved")])
    lake = finks.open(directory)
    assert [release.release_id for release in lake.releases()] == [2, 1]
    # Every answer is a version once: ten of the first night, and the two that came of A.
    asks = lake.history("sample_quotes", with_versions=True).polars()
    assert sorted(asks["symbol"]) == sorted([*vendor.symbols, "A", "A"])
    assert sorted(int(ask) for ask in asks["ask"]) == [*[2] * 10, 3, 99]
