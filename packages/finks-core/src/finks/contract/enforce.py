"""Apply a contract's rules to decoded fields, column by column; only bad rows pay for reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import polars as pl

from finks.contract import checks
from finks.contract.bodies import ORDINAL, RESPONSE, Decoded
from finks.contract.check_parser import parse
from finks.contract.compiler import whole_text
from finks.contract.decode import Decoding
from finks.contract.gates import Broken, typed
from finks.contract.readers import SHOWN
from finks.contract.spec import Bound, CompiledContract, FieldSpec, Kind

ROW = "_row"
BAD_SCHEMA = pl.Schema({ROW: pl.UInt32, "rule": pl.String, "field": pl.String, "reason": pl.String})
_BOUNDS = (("ge", "below"), ("gt", "not above"), ("le", "above"), ("lt", "not below"))


@dataclass(frozen=True, slots=True)
class Enforced:
    """Typed records and what is wrong with some.

    Attributes:
        texts: The fields as decoded, nulls and keys filled in; columns `_response` and `_ordinal` too.
        frame: The same rows with the contract's types; null where a cell is absent or broken.
        bad: One row per bad row: `_row`, first rule, its field, all reasons.
    """

    texts: pl.DataFrame
    frame: pl.DataFrame
    bad: pl.DataFrame


class Enforcer:
    """Applies one contract under one decoding.

    Args:
        contract: The rules.
        decoding: Which texts are nulls and which field takes the slice's key.
    """

    def __init__(self, contract: CompiledContract, decoding: Decoding) -> None:
        self._contract = contract
        self._decoding = decoding
        fields = {spec.name: spec for spec in contract.fields}
        self._checks = [(rule.name, parse(rule.expression, fields, contract.name)) for rule in contract.checks]

    def enforce(self, decoded: Decoded, keys: pl.Series) -> Enforced:
        """Type every field and apply every rule but key uniqueness.

        Args:
            decoded: Part of a batch.
            keys: The slice's key of each response, by `_response`.
        """
        texts = self._filled(decoded.frame, keys)
        columns = {spec.name: typed(texts[spec.name], spec) for spec in self._contract.fields}
        frame = texts.select(RESPONSE, ORDINAL).with_columns(*(column.values for column in columns.values()))
        broken = [*_faults(decoded, texts)]
        for spec in self._contract.fields:
            column = columns[spec.name]
            broken += column.broken
            broken += _required(
                texts[spec.name], spec, [item.mask for item in broken if item.field in (spec.name, None)]
            )
            broken += _constraints(column.values, spec)
        for name, rule in self._checks:
            broken += _check(name, rule, frame)
        return Enforced(texts, frame, _collect(broken))

    def _filled(self, frame: pl.DataFrame, keys: pl.Series) -> pl.DataFrame:
        """The decoded fields with null texts as nulls and the slice's key where the body has none."""
        changed: list[pl.Series] = []
        for name in (spec.name for spec in self._contract.fields):
            column = frame[name]
            if column.dtype == pl.String and self._decoding.nulls:
                absent = column.is_in(list(self._decoding.nulls))
                if absent.any():
                    column = column.set(absent, None)
                    changed.append(column)
            if name == self._decoding.from_key and column.null_count():
                changed.append(column.cast(pl.String).fill_null(keys.gather(frame[RESPONSE])))
        return frame.with_columns(changed) if changed else frame


def _required(column: pl.Series, spec: FieldSpec, explained: list[pl.Series]) -> Iterator[Broken]:
    """Absent values of a field that is never absent, but for those that the decoder has explained."""
    if spec.nullable or not column.null_count():
        return
    absent = column.is_null()
    for mask in explained:
        absent &= ~mask
    yield Broken("required", spec.name, absent, f"{spec.name} is absent")


def _faults(decoded: Decoded, texts: pl.DataFrame) -> Iterator[Broken]:
    """Records that the decoder could not read, as broken rows."""
    faults = [fault for fault in decoded.faults if fault.ordinal >= 0]
    if not faults:
        return
    rows = {
        position: row
        for row, position in enumerate(zip(texts[RESPONSE].to_list(), texts[ORDINAL].to_list(), strict=True))
    }
    grouped: dict[tuple[str, str | None], dict[int, str]] = {}
    for fault in faults:
        grouped.setdefault((fault.rule, fault.field), {})[rows[fault.response, fault.ordinal]] = fault.reason
    for (rule, field), reasons in grouped.items():
        said = pl.Series([reasons.get(row) for row in range(texts.height)], dtype=pl.String)
        yield Broken(rule, field, said.is_not_null(), said)


def _constraints(values: pl.Series, spec: FieldSpec) -> Iterator[Broken]:
    """Ranges, patterns, lengths and enumerations of one field."""
    if spec.values:
        yield _unless(values, values.is_in(list(spec.values)), spec, "enum", f"is none of {', '.join(spec.values)}")
    if spec.pattern is not None:
        fits = values.str.contains(whole_text(spec.pattern))
        yield _unless(values, fits, spec, "pattern", f"does not match {spec.pattern}")
    if spec.min_length is not None:
        longer = values.str.len_chars() >= spec.min_length
        yield _unless(values, longer, spec, "length", f"is shorter than {spec.min_length}")
    if spec.max_length is not None:
        shorter = values.str.len_chars() <= spec.max_length
        yield _unless(values, shorter, spec, "length", f"is longer than {spec.max_length}")
    for name, said in _BOUNDS:
        bound = getattr(spec, name)
        if bound is not None:
            yield _unless(values, _within(values, name, _bound(bound, spec)), spec, "range", f"is {said} {bound}")


def _within(values: pl.Series, name: str, bound: pl.Expr) -> pl.Series:
    column = pl.lit(values)
    if values.dtype == pl.Int64:
        column = column.cast(pl.Decimal(38, 0))
    return pl.select(getattr(column, name)(bound)).to_series()


def _bound(bound: Bound, spec: FieldSpec) -> pl.Expr:
    """The bound as a literal of the field's kind; the text of a float is what was meant."""
    if spec.kind in (Kind.DECIMAL, Kind.INTEGER):
        return pl.lit(Decimal(str(bound)))
    if spec.kind is Kind.FLOAT and not isinstance(bound, date | datetime):
        return pl.lit(float(bound))
    return pl.lit(bound)


def _unless(values: pl.Series, holds: pl.Series, spec: FieldSpec, rule: str, said: str) -> Broken:
    """The rows where a rule is plainly false; reasons are built for them alone, in `_collect`."""
    return Broken(rule, spec.name, (~holds).fill_null(value=False), _Shown(values, spec.name, said).text(~holds))


@dataclass(frozen=True, slots=True)
class _Shown:
    values: pl.Series
    name: str
    said: str

    def text(self, mask: pl.Series) -> pl.Series | str:
        """Per-row reasons, or one text when no row needs any."""
        if not mask.any():
            return ""
        cells = self.values.cast(pl.String).str.slice(0, SHOWN)
        return pl.select(pl.format('{} "{}" {}', pl.lit(self.name), pl.lit(cells), pl.lit(self.said))).to_series()


def _check(name: str, rule: checks.Node, frame: pl.DataFrame) -> Iterator[Broken]:
    fields = sorted(checks.names(rule))
    if checks.has_arithmetic(rule):
        records = frame.select(fields).iter_rows(named=True)
        holds = pl.Series([checks.holds(rule, record) for record in records], dtype=pl.Boolean)
    else:
        holds = frame.select(checks.to_polars(rule).alias("holds")).to_series()
    if holds.all():
        return
    shown = pl.format(
        ", ".join(f"{field} {{}}" for field in fields), *(pl.col(field).cast(pl.String) for field in fields)
    )
    yield Broken(f"check:{name}", None, (~holds).fill_null(value=False), frame.select(shown).to_series())


def _collect(broken: Iterable[Broken]) -> pl.DataFrame:
    """One row per bad row, the first rule first."""
    parts: list[pl.DataFrame] = []
    for order, item in enumerate(broken):
        if not item.mask.any():
            continue
        rows = item.mask.arg_true()
        reasons = item.reason.gather(rows) if isinstance(item.reason, pl.Series) else item.reason
        part = pl.DataFrame({ROW: rows}).with_columns(
            pl.lit(order, pl.Int32).alias("order"),
            pl.lit(item.rule).alias("rule"),
            pl.lit(item.field, pl.String).alias("field"),
            pl.lit(reasons, pl.String).alias("reason"),
        )
        parts.append(part)
    if not parts:
        return pl.DataFrame(schema=BAD_SCHEMA)
    return (
        pl.concat(parts)
        .sort(ROW, "order")
        .group_by(ROW, maintain_order=True)
        .agg(pl.col("rule").first(), pl.col("field").first(), pl.col("reason").str.join("; "))
        .cast(BAD_SCHEMA)
    )
