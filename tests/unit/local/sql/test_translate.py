"""What a translation says of a query, and what Athena says of a wrong one."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import duckdb
import pytest
from finks_local.sql import Column, QueryError, column_info, explain, parse_trino

TABLES = {
    ("mart", "trades"): [
        Column("symbol", parse_trino("varchar")),
        Column("price", parse_trino("decimal(10,2)")),
        Column("at", parse_trino("timestamp(6) with time zone")),
        Column("$path", parse_trino("varchar"), hidden=True),
    ],
    ("other", "trades"): [Column("id", parse_trino("bigint"))],
}


@pytest.fixture
def mart(with_tables):
    return with_tables(TABLES)


def described(athena, sql):
    return [(column.name, column.type.trino) for column in athena.translate(sql).columns]


def test_columns_have_trinos_names_and_types(mart):
    sql = 'select Symbol, price * 2 as "Twice", count(*), max(at) from trades group by 1, 2'
    assert described(mart, sql) == [
        ("symbol", "varchar"),
        ("twice", "decimal(20,2)"),
        ("_col2", "bigint"),
        ("_col3", "timestamp(6) with time zone"),
    ]


def test_hidden_columns_are_named_but_not_starred(mart):
    assert [name for name, _ in described(mart, "select * from trades")] == ["symbol", "price", "at"]
    assert described(mart, 'select "$path" from trades') == [("$path", "varchar")]


def test_tables_are_told_once_each(mart):
    tables = mart.translate("select 1 from trades, awsdatacatalog.other.TRADES t, trades u").tables
    assert [(table.database, table.name, table.relation) for table in tables] == [
        ("mart", "trades", '"mart"."trades"'),
        ("other", "trades", '"other"."trades"'),
    ]


def test_a_query_of_with_hides_a_table(mart):
    translation = mart.translate("with trades as (select 1 as x) select x from trades")
    assert translation.tables == ()


def test_the_past_of_a_table_is_another_relation(with_tables):
    asked = []

    class Resolver:
        def columns(self, table):
            asked.append(table)
            return [Column("x", parse_trino("integer"))]

    athena = with_tables({})
    athena.tables = Resolver()
    athena.translate("select x from t for version as of 7")
    athena.translate("select x from t for timestamp as of timestamp '2024-01-01 00:00:00 Asia/Tokyo'")
    athena.translate('select x from "t$snapshots"')
    version, at, snapshots = asked
    assert version.version == 7
    assert at.at == datetime(2023, 12, 31, 15, tzinfo=UTC)
    assert snapshots.metadata == "snapshots"
    assert len({table.relation for table in asked}) == 3


def test_qualified_names_mean_their_table(mart):
    sql = "select mart.trades.symbol, other.trades.id from mart.trades, other.trades"
    assert [name for name, _ in described(mart, sql)] == ["symbol", "id"]


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("select nope from trades", "COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved"),
        ("select\n  id from trades", "COLUMN_NOT_FOUND: line 2:3: Column 'id' cannot be resolved"),
        ("select f(1)", "FUNCTION_NOT_FOUND: line 1:8: Function 'f' not registered"),
        ("select symbol = 1 from trades", "TYPE_MISMATCH: line 1:8: Cannot apply operator: varchar = integer"),
        ("select symbol from trades, trades u", "AMBIGUOUS_NAME: line 1:8: Column 'symbol' is ambiguous"),
        (
            "select symbol, max(price) from trades",
            "EXPRESSION_NOT_AGGREGATE: line 1:8: 'symbol' must be an aggregate expression or appear in GROUP BY clause",
        ),
        ("select 1 from nope", "TABLE_NOT_FOUND: Table 'awsdatacatalog.mart.nope' does not exist"),
        ("select 1 order by 2", "INVALID_COLUMN_REFERENCE: line 1:19: ORDER BY position 2 is not in select list"),
        ("select [1]", "SYNTAX_ERROR: line 1:8: mismatched input '['"),
        (
            "select geometry_union(1)",
            "NOT_SUPPORTED: line 1:8: function geometry_union is not supported by the local Athena",
        ),
    ],
)
def test_errors_are_trinos_with_their_place(mart, sql, error):
    with pytest.raises(QueryError) as caught:
        mart.translate(sql)
    assert str(caught.value) == error


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("select checksum(price) from trades", "checksum"),
        ("select st_point(1, 2)", "st_point"),
        ("select * from trades match_recognize (pattern (a) define a as true)", "MATCH"),
        ("select regexp_like(symbol, '\\p{IsGreek}') from trades", "p{IsGreek}"),
        ("select timestamp '2020-01-01 00:00:00.123456789'", "timestamp(9)"),
        ("select time '10:00:00' + time '10:00:00', current_time", "Cannot apply operator"),
        ("select date_trunc(symbol, at) from trades", "date_trunc"),
        ("select json_extract('{}', '$..a')", "$..a"),
    ],
)
def test_what_is_not_translated_is_refused_by_name(mart, sql, name):
    with pytest.raises(QueryError, match=re.escape(name)):
        mart.rows(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "select * exclude (symbol) from trades",
        "select distinct on (symbol) price from trades",
        "select symbol from trades group by all",
        "select symbol, symbol as s, s || 'x' from trades",
        "select symbol from trades qualify row_number() over () = 1",
        "select price::double from trades",
        "from trades",
        "select symbol from trades using sample 3",
        "select list_transform([1], x -> x)",
        "select * from trades asof join trades u on true",
        "select * from trades semi join other.trades u on true",
        "select struct_pack(a := 1)",
        "select {'a': 1}",
        "select symbol ilike 'a%' from trades",
        "pivot trades on symbol using sum(price)",
        "select if from trades",
    ],
)
def test_what_only_duckdb_has_is_refused(mart, sql):
    with pytest.raises(QueryError):
        mart.translate(sql)


def test_an_unknown_error_of_duckdb_is_not_taken_for_the_users():
    error = explain(duckdb.InternalException("boom"))
    assert (error.code, error.category) == ("GENERIC_INTERNAL_ERROR", 1)


def test_column_info_gives_athenas_type_names(mart):
    columns = mart.translate("select 1, 'ab', price, 1e0, real '1', array[1] from trades").columns
    told = [(info["Type"], info["Precision"], info["Scale"]) for info in column_info(columns)]
    assert told == [
        ("integer", 10, 0),
        ("varchar", 2, 0),
        ("decimal", 10, 2),
        ("double", 17, 0),
        ("float", 17, 0),
        ("array", 0, 0),
    ]


def test_an_empty_table_gives_no_rows_of_the_right_types(mart):
    assert mart.rows("select *, date_trunc('day', at), price / 3 from trades") == []
