"""What Athena and DuckDB do not share is found and named with its line."""

from __future__ import annotations

import json

import pytest
from finks_local.portable import check, check_project

TABLE = {
    "awsdatacatalog": {
        "d": {
            "t": {"n": "bigint", "m": "integer", "p": "decimal(10,2)", "x": "double", "s": "varchar", "day": "date"},
            "u": {"n": "bigint", "at": "timestamp(6)"},
        }
    }
}
T, U = "awsdatacatalog.d.t", "awsdatacatalog.d.u"


def constructs(sql: str) -> list[tuple[int, str]]:
    return [(finding.line, finding.construct) for finding in check(sql, TABLE).findings]


@pytest.mark.parametrize(
    ("sql", "construct"),
    [
        (f"select n from {T} \nqualify row_number() over (order by n) = 1", "qualify"),
        (f"select s, count(*) as n from {T} \ngroup by all", "group by all"),
        (f"select s from {T} \norder by all", "order by all"),
        (f"select t.n from {T} as t \nasof join {U} as u on t.n >= u.n", "asof join"),
        (f"select lag(n \nignore nulls) over (order by day) as n from {T}", "ignore nulls"),
        (f"select \ndistinct on (s) s, n from {T}", "distinct on"),
        (f"select n from {T} \nunion by name select n from {U}", "union by name"),
        (f"select t.n from {T} as t \nsemi join {U} as u on t.n = u.n", "semi join"),
        (f"select \nn::integer as n from {T}", "::"),
        (f"select \nn // 2 as n from {T}", "//"),
        (f"select \n[1, 2] as n from {T}", "[…]"),
        (f"select \n{{'a': 1}} as n from {T}", "{…}"),
        (f"select n from {T} where s \nilike 'a%'", "ilike"),
        (f"select cast(n \nas string) as n from {T}", "as string"),
        (f"select cast(n \nas hugeint) as n from {T}", "as hugeint"),
        (f"select \nstrftime(day, '%Y') as n from {T}", "strftime()"),
        (f"select \nifnull(s, '') as n from {T}", "ifnull()"),
        (f"select \nlist_sum(array[n]) as n from {T}", "list_sum()"),
        (f"select \nconcat(s, 'a') as n from {T}", "concat()"),
        (f"select \nregexp_extract(s, 'a') as n from {T}", "regexp_extract()"),
        (f"select \ndate_trunc('month', day) as n from {T}", "date_trunc()"),
        (f"select \ndate_diff('month', day, day) as n from {T}", "date_diff"),
        (f"select \ndate_diff('day', at, at) as n from {U}", "date_diff"),
        (f"select \nn / m as n from {T}", "division"),
        (f"select \np / 2 as n from {T}", "division"),
        (f"select \nn / 2.0 as n from {T}", "division"),
        (f"select \nsum(n) as n from {T}", "sum of whole numbers"),
        (f"select \nsum(n) over (order by day) as n from {T}", "sum of whole numbers"),
        (f"select \navg(p) as n from {T}", "avg"),
        (f"select cast(\np as integer) as n from {T}", "cast of a fraction to a whole number"),
        (f"select cast(\nx as decimal(10, 2)) as n from {T}", "cast of a float to a decimal"),
        (f"select n from {T} where \ns = 1", "text compared with a number"),
        (f"select \nm as a, a + 1 as b from {T}", "column"),
        (f"select \nabsent from {T}", "column"),
        (f"select \n* exclude (n) from {T}", "star without some columns"),
        (f"select n from \n{T} t tablesample bernoulli (10)", "tablesample"),
    ],
)
def test_a_construct_of_one_engine_is_named_with_its_line(sql, construct):
    assert (2, construct) in constructs(sql)


@pytest.mark.parametrize(
    "expression",
    [
        "cast(n as double) / m",
        "n / 2e0",
        "cast(sum(n) as bigint)",
        "cast(sum(n) filter (where m > 1) over (order by day) as bigint)",
        "sum(p)",
        "avg(x)",
        "cast(round(x) as integer)",
        "cast(round(x * 1e2) as decimal(18, 0)) * cast('0.01' as decimal(2, 2))",
        "cast(date_trunc('month', day) as date)",
        "date_diff('day', day, day)",
        "coalesce(s, '') || 'a'",
        "max_by(n, day)",
        "array[1, 2][1]",
        "count(*) filter (where n > 1)",
        "n % 2",
        "'qualify :: // [1] {} strftime(x)'",
        'max(n) as "qualify"',
    ],
)
def test_what_both_engines_read_alike_is_let_through(expression):
    assert constructs(f"select {expression} from {T} group by n, m, p, x, s, day") == []


def test_comments_do_not_count():
    assert constructs(f"select n -- qualify a::b\n/* group by all */ from {T}") == []


def test_what_cannot_be_read_is_said_so():
    assert constructs("select 1 from\n where") == [(2, "syntax")]


def test_without_the_tables_types_casts_and_literals_still_say_something():
    assert [f.construct for f in check("select sum(cast(a as bigint)) as b from t").findings] == [
        "sum of whole numbers"
    ]


def node(kind: str, name: str, sql: str, *reads: str) -> dict:
    return {
        "resource_type": kind,
        "database": "awsdatacatalog",
        "schema": "d",
        "alias": name,
        "columns": {},
        "compiled_code": sql,
        "compiled_path": f"target/compiled/p/models/{name}.sql",
        "original_file_path": f"models/{name}.sql",
        "depends_on": {"nodes": list(reads)},
    }


@pytest.fixture
def manifest(tmp_path):
    """A source, a model that gives a whole number, and a model that divides it; the second stands first."""
    source = {
        "database": "awsdatacatalog",
        "schema": "d",
        "identifier": "t",
        "columns": {"n": {"name": "n", "data_type": "bigint"}},
    }
    nodes = {
        "b": node("model", "b", "select\n  k / 2 as half\nfrom awsdatacatalog.d.a", "a"),
        "a": node("model", "a", "select count(n) as k from awsdatacatalog.d.t", "t"),
        "c": node("test", "c", "select * from awsdatacatalog.d.b where half::int = 1", "b"),
    }
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"sources": {"t": source}, "nodes": nodes}))
    return path


def test_types_run_from_the_sources_through_the_models(manifest):
    found = check_project(manifest)
    assert [(f.line, f.construct) for f in found["compiled/p/models/b.sql"]] == [(2, "division")]


def test_data_tests_are_looked_at_too(manifest):
    assert [f.construct for f in check_project(manifest)["compiled/p/models/c.sql"]] == ["::"]
