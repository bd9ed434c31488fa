"""What the service reads of a statement, and where its result goes."""

from __future__ import annotations

import pytest
from finks_local.athena.statements import kind, result_name


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("select 1", "DML"),
        ("  -- note\n/* dbt */ with a as (select 1) select * from a", "DML"),
        ("(select 1)", "DML"),
        ("merge into t using s on true when matched then delete", "DML"),
        ("explain select 1", "DML"),
        ("show tables", "UTILITY"),
        ("/* c */describe t", "UTILITY"),
        ("create table t as select 1", "DDL"),
        ("msck repair table t", "DDL"),
        ("", "DDL"),
    ],
)
def test_the_kind_is_told_by_the_first_word(statement, expected):
    assert kind(statement) == expected


@pytest.mark.parametrize(
    ("statement_type", "substatement_type", "expected"),
    [
        ("DML", "SELECT", "q.csv"),
        ("DML", "UPDATE", "q.csv"),
        ("DML", "INSERT", "q"),
        ("DML", "UNLOAD", "q"),
        ("DML", "EXPLAIN", "q.txt"),
        ("DDL", "CREATE_TABLE_AS_SELECT", "tables/q"),
        ("DDL", "CREATE_TABLE", "q.txt"),
        ("UTILITY", "SHOW_TABLES", "q.txt"),
    ],
)
def test_the_result_is_named_by_what_the_statement_was(statement_type, substatement_type, expected):
    assert result_name("q", statement_type, substatement_type) == expected
