"""Column lineage of queries."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import duckdb
import pytest
from finks.errors import DataError
from finks.lineage.columns import column_lineage, in_order, queries
from finks.lineage.model import Column, Columns, Model
from finks.lineage.rebuild import duckdb_sql
from finks.lineage.sql import read_query

A, B = ("db", "s", "a"), ("db", "s", "b")
KNOWN = {A: ("k", "x", "y"), B: ("k", "z")}
LABELS = {A: "silver.a", B: "silver.b"}
AT = datetime(2026, 1, 1, tzinfo=UTC)


def lineage(sql: str, dialect: str = "duckdb") -> Columns:
    return column_lineage(read_query(sql, dialect, KNOWN), LABELS)


def texts(columns: tuple[Column, ...]) -> list[str]:
    return [f"{dataset}.{name}" for dataset, name in columns]


@pytest.mark.parametrize("dialect", ["duckdb", "athena"])
@pytest.mark.parametrize(
    ("select", "direct"),
    [
        ("select x as v from db.s.a", ["silver.a.x"]),
        ("with c as (select * from db.s.a), d as (select * from c) select x + 1 as v from d", ["silver.a.x"]),
        ("select sum(x) as v from db.s.a group by k", ["silver.a.x"]),
        ("select sum(x) over (partition by k order by y) as v from db.s.a", ["silver.a.x"]),
        ("select a.x * b.z as v from db.s.a join db.s.b on a.k = b.k", ["silver.a.x", "silver.b.z"]),
        ("select x as v from db.s.a union all select z as v from db.s.b", ["silver.a.x", "silver.b.z"]),
        ("select case when y > 0 then x end as v from db.s.a", ["silver.a.x", "silver.a.y"]),
        ("select (select max(z) from db.s.b where b.k = a.k) as v from db.s.a", ["silver.b.z"]),
        ("select count(*) as v from db.s.a", []),
    ],
)  # fmt: skip
def test_a_value_comes_from_the_columns_in_its_expression(select, direct, dialect):
    assert texts(lineage(select, dialect).direct["v"]) == direct


def test_what_chooses_rows_is_indirect():
    found = lineage("select x as v from db.s.a join db.s.b on a.k = b.k where y > 0 order by z")
    assert texts(found.direct["v"]) == ["silver.a.x"]
    assert texts(found.indirect) == ["silver.a.k", "silver.a.y", "silver.b.k", "silver.b.z"]


def test_a_query_that_is_not_understood_says_so():
    with pytest.raises(DataError):
        read_query("select from where", "duckdb", KNOWN)


def model(name: str, sql: str, inputs: tuple[str, ...]) -> Model:
    return Model(name, ("db", "s", name), inputs, (), sql, "duckdb", "success", "", AT, AT)


def test_models_are_read_after_what_they_are_made_of_and_know_its_columns():
    last = model("last", "select * from db.s.first", ("build.first",))
    first = model("first", "select x, k from db.s.a", ("silver.a",))
    assert [found.name for found in in_order([last, first])] == ["first", "last"]
    read = {found.name: query for found, query in queries([last, first], KNOWN)}
    assert read["last"].columns == ("x", "k")


def test_a_query_for_athena_runs_on_duckdb():
    """Its one function that DuckDB lacks is a product."""
    sql = """select d, reduce_agg(cast(x as double), 1e0, (a, b) -> a * b, (a, b) -> a * b) over (
        order by d rows between unbounded preceding and current row) as p, date_diff('day', date '2026-01-01', d) as n
        from (values (date '2026-01-02', 2), (date '2026-01-03', 3)) as v (d, x) order by d"""
    made = replace(model("m", sql, ()), dialect="athena")
    rows = [(p, n) for _, p, n in duckdb.sql(duckdb_sql(made)).fetchall()]
    assert rows == [(2.0, 1), (6.0, 2)]
