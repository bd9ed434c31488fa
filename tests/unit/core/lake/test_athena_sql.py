from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from finks.errors import ConfigurationError
from finks.lake.athena_sql import literal, rewrite
from hypothesis import given
from hypothesis import strategies as st

SERVED = {"summary": 7, "detail": 9}


def rewritten(query: str, prefix: str = "") -> str:
    return rewrite(query, lambda zone: f"{prefix}{zone}", SERVED)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("select * from gold.summary", 'select * from "gold".summary FOR VERSION AS OF 7'),
        ("select * from Gold . SUMMARY s", 'select * from "gold" . SUMMARY FOR VERSION AS OF 7 s'),
        ('select * from "gold"."summary"', 'select * from "gold"."summary" FOR VERSION AS OF 7'),
        (
            "select a from gold.summary s join gold.detail d on s.a = d.a",
            'select a from "gold".summary FOR VERSION AS OF 7 s join "gold".detail FOR VERSION AS OF 9 d on s.a = d.a',
        ),
        ("select gold.summary.a from gold.summary", 'select "gold".summary.a from "gold".summary FOR VERSION AS OF 7'),
        (
            "select * from gold.summary for timestamp as of now()",
            'select * from "gold".summary for timestamp as of now()',
        ),
        ("select 'gold.summary', 1 -- gold.summary", "select 'gold.summary', 1 -- gold.summary"),
        ("select 1 /* gold.detail */ from silver.bars", 'select 1 /* gold.detail */ from "silver".bars'),
        ("select x.gold.summary from silver.bars x", 'select x.gold.summary from "silver".bars x'),
        ("select * from gold.releases", 'select * from "gold".releases'),
    ],
)
def test_a_mart_is_read_at_the_snapshot_that_is_served(query, expected):
    assert rewritten(query) == expected


def test_a_zone_gets_the_name_of_its_glue_database():
    assert rewritten("select * from silver.a, other.b", "p_") == 'select * from "p_silver".a, other.b'


def test_a_mart_that_is_not_served_is_refused():
    with pytest.raises(ConfigurationError, match=r"gold\.old"):
        rewritten("select * from gold.old")


@pytest.mark.parametrize(
    "query", ["drop table silver.a", "insert into silver.a values (1)", "", "create table x as select 1"]
)
def test_what_is_not_a_select_is_refused(query):
    with pytest.raises(ConfigurationError, match="SELECT"):
        rewritten(query)


@pytest.mark.parametrize(
    "query", ["(select 1)", "with a as (select 1) select * from a", "values 1", "-- why\nselect 1"]
)
def test_a_select_of_any_form_passes(query):
    assert rewritten(query) == query


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("it's", "'it''s'"),
        ("'; drop table x --", "'''; drop table x --'"),
        (True, "true"),
        (3, "3"),
        (Decimal("1E+2"), "DECIMAL '100'"),
        (Decimal("-0.50"), "DECIMAL '-0.50'"),
        (date(2024, 2, 3), "DATE '2024-02-03'"),
        (datetime(2024, 2, 3, 4, 5), "TIMESTAMP '2024-02-03 04:05:00.000000'"),
        (
            datetime(2024, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2))),
            "TIMESTAMP '2024-02-03 02:05:00.000000 UTC'",
        ),
        (datetime(2024, 2, 3, tzinfo=UTC), "TIMESTAMP '2024-02-03 00:00:00.000000 UTC'"),
        (b"\xde\xad", "X'DEAD'"),
        (None, "NULL"),
    ],
)
def test_a_value_becomes_a_literal_of_its_own_type(value, expected):
    assert literal(value) == expected


@pytest.mark.parametrize("value", [Decimal("NaN"), 2**63, [1]])
def test_a_value_without_a_literal_is_refused(value):
    with pytest.raises(ConfigurationError):
        literal(value)


@given(st.text())
def test_a_text_is_one_literal_whatever_is_in_it(text):
    made = literal(text)
    assert made[1:-1].replace("''", "") == text.replace("'", "")
    assert made.count("'") % 2 == 0


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_keeps_its_value(value):
    assert float(literal(value)) == value
