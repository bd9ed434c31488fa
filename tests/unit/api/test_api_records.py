"""The records of the API are those of the marts and of the contracts."""

from __future__ import annotations

import pyarrow as pa
import pytest
import yaml
from finks.contract.schemas import arrow_schema
from finks_api.query import KNOWN_AT
from finks_api.records import (
    BAR,
    DIVIDEND,
    INCOME_STATEMENT,
    PORTFOLIO,
    POSITION,
    SECURITY,
    SPLIT,
    SUMMARY,
    TRANSACTION,
)
from finks_api.settings import TableSettings
from finks_connectors.files.contracts import Portfolio, Transaction
from finks_connectors.fmp.contracts import DailyBar, Dividend, Split
from finks_connectors.fmp.statements import IncomeStatement

PLAIN = {pa.string(): "varchar", pa.int64(): "bigint", pa.float64(): "double", pa.date32(): "date"}


def sql(kind: pa.DataType) -> str:
    return PLAIN.get(kind) or f"decimal({kind.precision},{kind.scale})"


@pytest.mark.parametrize("record", [SUMMARY, POSITION, SECURITY], ids=lambda record: record.name)
def test_a_record_of_gold_has_the_columns_of_its_mart(record, repository):
    mart = getattr(TableSettings(), record.dataset).removeprefix("gold.")
    model = yaml.safe_load((repository / f"dbt/models/marts/{mart}.yml").read_text())["models"][0]
    declared = {column["name"]: column["data_type"] for column in model["columns"]}
    assert {each.name: sql(each.type) for each in record.fields} == declared


@pytest.mark.parametrize("record", [SUMMARY, POSITION, SECURITY], ids=lambda record: record.name)
def test_a_field_of_gold_may_be_null_only_where_its_mart_allows_it(record, repository):
    mart = getattr(TableSettings(), record.dataset).removeprefix("gold.")
    model = yaml.safe_load((repository / f"dbt/models/marts/{mart}.yml").read_text())["models"][0]
    required = {column["name"] for column in model["columns"] if "constraints" in column}
    assert {each.name for each in record.fields if not each.nullable} == required


@pytest.mark.parametrize(
    ("record", "contract"),
    [
        (PORTFOLIO, Portfolio),
        (TRANSACTION, Transaction),
        (BAR, DailyBar),
        (DIVIDEND, Dividend),
        (SPLIT, Split),
        (INCOME_STATEMENT, IncomeStatement),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_a_record_of_silver_has_the_types_of_its_contract(record, contract):
    declared = {each.name: (each.type, each.nullable) for each in arrow_schema(contract.compiled())}
    mine = {each.name: (each.type, each.nullable) for each in record.fields if each.name != KNOWN_AT}
    assert mine == {name: declared[name] for name in mine}
