"""The sources file of the dbt project follows from the contracts."""

from __future__ import annotations

import os

import pytest
import yaml
from finks.run.gold.dbt_sources import Freshness, render
from finks_connectors.files import contracts as files
from finks_connectors.fmp import contracts as fmp

STREAMS = {
    "files_portfolios": files.Portfolio,
    "files_transactions": files.Transaction,
    "fmp_daily_bars": fmp.DailyBar,
    "fmp_dividends": fmp.Dividend,
    "fmp_forex_daily_bars": fmp.ForexBar,
    "fmp_profiles": fmp.Profile,
    "fmp_splits": fmp.Split,
}

# Bars come on every session: after a long weekend something is wrong.
FRESHNESS = {
    "fmp_daily_bars": Freshness(warn_after_days=4, error_after_days=10),
    "fmp_forex_daily_bars": Freshness(warn_after_days=4, error_after_days=10),
}


@pytest.fixture(scope="module")
def rendered() -> str:
    return render({table: contract.compiled() for table, contract in STREAMS.items()}, freshness=FRESHNESS)


@pytest.fixture(scope="module")
def tables(rendered):
    return {table["name"]: table for table in yaml.safe_load(rendered)["sources"][0]["tables"]}


def test_the_sources_file_is_up_to_date(rendered, repository):
    """FINKS_UPDATE_GENERATED=1 writes it anew."""
    path = repository / "dbt" / "models" / "staging" / "_sources.yml"
    if os.environ.get("FINKS_UPDATE_GENERATED"):
        path.write_text(rendered)
    assert path.read_text() == rendered


def column(table, name):
    return next(entry for entry in table["columns"] if entry["name"] == name)


def test_a_required_field_is_not_null_and_an_optional_one_may_be(tables):
    assert "not_null" in column(tables["fmp_dividends"], "amount")["data_tests"]
    assert "data_tests" not in column(tables["fmp_dividends"], "payment_date")


def test_an_enumeration_becomes_accepted_values(tables):
    tests = column(tables["files_transactions"], "kind")["data_tests"]
    assert {"accepted_values": {"arguments": {"values": ["buy", "sell", "deposit", "withdrawal", "fee"]}}} in tests


def test_a_range_becomes_accepted_range(tables):
    tests = column(tables["fmp_daily_bars"], "close")["data_tests"]
    assert {"accepted_range": {"arguments": {"min_value": "0", "inclusive": False}}} in tests


def test_every_column_is_described(tables):
    assert all(entry["description"] for table in tables.values() for entry in table["columns"])


def test_no_two_versions_of_a_key_claim_the_same_place(tables):
    test = tables["fmp_daily_bars"]["data_tests"][0]["unique_combination"]
    assert test["arguments"]["columns"] == ["symbol", "session", "_known_at", "_seq"]


def test_the_staging_models_take_the_newest_version_by_the_contracts_key(repository):
    for table, contract in STREAMS.items():
        source, stream = table.split("_", 1)
        path = repository / "dbt" / "models" / "staging" / source / f"stg_{source}__{stream}.sql"
        key = ", ".join(f"'{name}'" for name in contract.compiled().key)
        assert f"source('silver', '{table}'), [{key}]" in path.read_text()
