from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal

import pyarrow as pa
import pytest
from finks.contract.spec import FieldSpec, Kind
from finks.errors import ConfigurationError
from finks.lake import Lake

TABLE = "fmp_daily_bars"


@pytest.fixture
def filled(lake, build):
    silver = lake.silver(TABLE, build.contract, "fmp")
    silver.write_versions(build.good("r1", 0, [("AAPL", 1, "10.5"), ("IBM", 40, 20)]), run_id="run-1")
    silver.write_versions(build.good("r2", 5, [("AAPL", 1, 11)]), run_id="run-2")
    return lake


def rows(lake, query: str) -> list[dict]:
    return lake.sql(query).arrow().to_pylist()


def test_silver_shows_every_version_with_exact_values(filled):
    found = rows(filled, f"select close from silver.{TABLE} where symbol = 'AAPL' order by _known_at")
    assert [row["close"] for row in found] == [Decimal("10.5"), Decimal(11)]


def test_times_come_back_in_utc(filled, build):
    (row,) = rows(filled, f"select max(_known_at) as at from silver.{TABLE}")
    assert row["at"] == build.at(5)


def test_every_zone_has_its_tables(filled, build):
    filled.bronze(TABLE).append(build.responses(build.response("r1", 0)), {})
    filled.publish({"summary": pa.table({"value": [1]})}, run_id="run-1")
    (row,) = rows(
        filled,
        f"select (select count(*) from bronze.{TABLE}) as b, (select sum(value) from gold.summary) as g",
    )
    assert row == {"b": 1, "g": 1}


def test_an_empty_table_is_a_view_with_the_right_types(lake, build):
    lake.silver(TABLE, build.contract, "fmp")
    found = lake.sql(f"select close, session, _known_at from silver.{TABLE}").arrow()
    assert found.num_rows == 0
    assert found.schema.field("close").type == pa.decimal128(38, 12)


def test_a_column_that_was_added_later_is_null_in_old_files(filled, build):
    wider = replace(build.contract, fields=(*build.contract.fields, FieldSpec("venue", Kind.STRING, nullable=True)))
    filled.silver(TABLE, wider, "fmp")
    assert rows(filled, f"select distinct venue from silver.{TABLE}") == [{"venue": None}]


def test_views_do_not_write(filled):
    with filled.duckdb() as connection, pytest.raises(Exception, match=r"(?i)can only delete from base table"):
        connection.execute(f"delete from silver.{TABLE}")


@pytest.mark.parametrize(
    "query",
    [
        "",
        "-- nothing",
        "selct 1",
        "select 1; select 2",
        "create table x as select 1",
        "copy (select 1) to '{folder}/out.csv'",
        "explain analyze copy (select 1) to '{folder}/out.csv'",
        "attach '{folder}/out.db'",
        "set enable_external_access = true",
        "call pragma_version()",
        "select nothing from silver.fmp_daily_bars",
        "select cast('a' as int)",
    ],
)
def test_what_is_not_one_select_that_works_is_refused_and_writes_nothing(filled, tmp_path, query):
    with pytest.raises(ConfigurationError):
        filled.sql(query.format(folder=tmp_path)).arrow()
    assert [entry.name for entry in tmp_path.iterdir()] == ["lake"]


@pytest.mark.parametrize(
    "query", ["with a as (select 1 as n) select * from a;", "from (values (1)) as t (n)", "show tables"]
)
def test_every_way_to_read_is_a_select(filled, query):
    filled.sql(query).arrow()


def test_an_unknown_table_lists_the_known_ones(filled):
    with pytest.raises(ConfigurationError, match=f"silver.{TABLE}"):
        filled.sql("select * from silver.nope").arrow()


def test_a_query_opens_no_file_outside_the_lake(filled, tmp_path):
    (tmp_path / "private.csv").write_text("a,b\n1,2\n")
    for query in ("select * from read_csv('{file}')", "select * from read_text('{file}')", "from '{file}'"):
        with pytest.raises(ConfigurationError):
            filled.sql(query.format(file=tmp_path / "private.csv")).arrow()


def test_a_lake_in_a_folder_with_odd_characters_is_readable(tmp_path, build):
    lake = Lake.open(tmp_path / "my lake's #1 %20 ü", create=True)
    silver = lake.silver(TABLE, build.contract, "fmp")
    silver.write_versions(build.good("r1", 0, [("AAPL", 1, 10)]), run_id="run-1")
    assert rows(lake, f"select count(*) as n from silver.{TABLE}") == [{"n": 1}]
    assert lake.latest(TABLE).arrow().num_rows == 1


@pytest.mark.slow
def test_dbt_reads_silver_through_the_plugin(filled, tmp_path):
    project = tmp_path / "project"
    (project / "models").mkdir(parents=True)
    files = {
        "dbt_project.yml": {
            "name": "tiny",
            "version": "1.0",
            "profile": "tiny",
            "flags": {"send_anonymous_usage_stats": False},
        },
        "profiles.yml": {
            "tiny": {
                "target": "dev",
                "outputs": {
                    "dev": {
                        "type": "duckdb",
                        "path": str(tmp_path / "out.duckdb"),
                        "plugins": [{"module": "finks.lake.dbt_plugin", "config": {"lake": filled.place.address}}],
                    }
                },
            }
        },
        "models/sources.yml": {"sources": [{"name": "silver", "tables": [{"name": TABLE}]}]},
    }
    for name, content in files.items():
        (project / name).write_text(json.dumps(content))
    model = "{{ config(materialized='table') }} select count(*) as n from {{ source('silver', '" + TABLE + "') }}"
    (project / "models" / "counted.sql").write_text(model)
    folders = ["--profiles-dir", str(project), "--project-dir", str(project)]
    command = [sys.executable, "-m", "dbt.cli.main", "run", *folders]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    import duckdb

    with duckdb.connect(str(tmp_path / "out.duckdb"), read_only=True) as connection:
        assert connection.sql("select n from counted").fetchall() == [(3,)]
