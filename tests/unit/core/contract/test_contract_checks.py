"""Checks across fields: both readers of an expression agree, an absent operand passes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl
import pytest
from finks.contract import Contract, check, field, filter, key, price
from finks.contract.check_parser import parse
from finks.contract.checks import has_arithmetic, holds, to_polars
from hypothesis import given, settings
from hypothesis import strategies as st


class Numbers(Contract):
    k: str = key()
    a: Decimal | None = price()
    b: Decimal | None = price()
    n: int | None = field()


FIELDS = {spec.name: spec for spec in Numbers.compiled().fields}
CELLS = st.one_of(st.none(), st.decimals(-3, 3, places=1))
TERMS = st.sampled_from(["a", "b", "n", "1", "-0.5", "2.5"])
COMPARISONS = st.one_of(
    st.builds("{} {} {}".format, TERMS, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), TERMS),
    st.builds("{} <= {} < {}".format, TERMS, TERMS, TERMS),
    st.builds("{} is {}".format, st.sampled_from(["a", "b"]), st.sampled_from(["None", "not None"])),
)
EXPRESSIONS = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("not {}".format, inner.map("({})".format)),
    ),
    max_leaves=4,
)


@settings(max_examples=150, deadline=None)
@given(EXPRESSIONS, st.lists(st.tuples(CELLS, CELLS, st.one_of(st.none(), st.integers(-3, 3))), min_size=1, max_size=4))
def test_columns_and_single_records_give_the_same_verdict(expression: str, rows: list[tuple[object, ...]]) -> None:
    rule = parse(expression, FIELDS, "test")
    schema = {"a": pl.Decimal(38, 12), "b": pl.Decimal(38, 12), "n": pl.Int64}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    column = frame.select(pl.repeat(None, pl.len(), dtype=pl.Boolean).fill_null(to_polars(rule))).to_series().to_list()
    assert column == [holds(rule, record) for record in frame.iter_rows(named=True)]


@pytest.mark.parametrize(
    ("expression", "record", "verdict"),
    [
        ("a * b == 0.01", {"a": Decimal("0.1"), "b": Decimal("0.1")}, True),
        ("a + b == 0.3", {"a": Decimal("0.1"), "b": Decimal("0.2")}, True),
        ("a - b > 1", {"a": None, "b": Decimal(1)}, None),
        ("a < b", {"a": None, "b": Decimal(1)}, None),
        ("a < b and b > 5", {"a": None, "b": Decimal(1)}, False),
        ("a < b or b == 1", {"a": None, "b": Decimal(1)}, True),
        ("not a < b", {"a": None, "b": Decimal(1)}, None),
    ],
)
def test_arithmetic_is_exact_and_absence_is_unknown(
    expression: str, record: dict[str, object], verdict: bool | None
) -> None:
    assert holds(parse(expression, FIELDS, "test"), record) is verdict


def test_a_product_beyond_38_digits_is_judged_not_dropped() -> None:
    class Huge(Contract):
        k: str = key()
        a: Decimal = price()
        _small = check("a * a < 10")

    assert has_arithmetic(parse("a * a < 10", FIELDS, "test"))
    body = b'[{"k": "x", "a": 99999999999999999999999999}, {"k": "y", "a": 3.1}]'
    result = filter(body, Huge)
    assert result.good["k"].to_pylist() == ["y"]
    assert result.rejects["rule"].to_pylist() == ["check:small"]


def test_dates_and_texts_compare_with_literals() -> None:
    class Dated(Contract):
        k: str = key()
        d: date
        _modern = check("d >= '2000-01-01' and k != 'bad'")

    body = b'[{"k":"a","d":"1999-12-31"},{"k":"bad","d":"2001-01-01"},{"k":"c","d":"2001-01-01"}]'
    assert filter(body, Dated).good["k"].to_pylist() == ["c"]
