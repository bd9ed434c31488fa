"""Who tells lineage, by the settings; and where a run's events are."""

from __future__ import annotations

import pytest
from finks.errors import ConfigurationError
from finks.lineage.naming import Names, origin
from finks.lineage.store import folder_of
from finks.run.ingest import origin_of
from finks.run.listeners.lineage import listener
from finks.run.sections import LineageSettings
from finks.run.settings import Settings


@pytest.mark.parametrize(("enabled", "told"), [(None, True), (True, True), (False, False)])
def test_lineage_is_told_unless_it_is_turned_off(enabled, told):
    assert (listener(Settings(lineage=LineageSettings(enabled=enabled))) is not None) == told


def test_a_run_s_events_are_under_the_day_of_its_id():
    run_id = "01a20d63-a32a-72bb-ad62-ce5c11b04991"
    assert folder_of(run_id) == f"lineage/date=2026-11-24/run={run_id}"


def test_what_is_no_run_s_id_is_refused():
    with pytest.raises(ConfigurationError):
        folder_of("../runs")


def test_datasets_have_the_names_of_the_specification():
    local = Names("/data/my lake", "/data/my lake/warehouse", {})
    table = local.table("silver.fmp_splits")
    assert (table.namespace, table.name) == ("file", "/data/my lake/warehouse/silver/fmp_splits")
    assert local.lake == "file:///data/my%20lake"
    s3 = Names("s3://b/lake", "s3://b/lake", {"silver": "x_silver"}, "eu-central-1", "123456789012")
    table = s3.table("silver.fmp_splits")
    assert (table.namespace, table.name) == ("s3://b", "lake/silver/fmp_splits")
    assert table.glue == ("arn:aws:glue:eu-central-1:123456789012", "table/x_silver/fmp_splits")
    vendor = origin("https://api.example.com/stable/splits")
    assert (vendor.namespace, vendor.name) == ("https://api.example.com", "/stable/splits")
    model = s3.built("int_lots", ("awsdatacatalog", "x_finks_intermediate", "int_lots"), "athena")
    assert model.namespace == "awsathena://athena.eu-central-1.amazonaws.com"
    assert (model.name, model.label) == ("awsdatacatalog.x_finks_intermediate.int_lots", "build.int_lots")


@pytest.mark.parametrize(
    ("url", "key", "expected"),
    [
        ("https://h/v1/AAPL/bars?apikey=x", "AAPL", "https://h/v1/{key}/bars"),
        ("https://h/v1/bars?symbol=AAPL", "AAPL", "https://h/v1/bars"),
        ("https://h/v1/BRK%2FB/bars", "BRK/B", "https://h/v1/{key}/bars"),
        ("file:///data/a.csv", "", "file:///data/a.csv"),
    ],
)
def test_an_address_stands_without_parameters_and_key(url, key, expected):
    assert origin_of(url, key) == expected
