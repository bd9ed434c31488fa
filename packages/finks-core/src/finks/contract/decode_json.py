"""JSON bodies to fields: a fast way that is taken only where it is proved exact, and an exact way.

The exact way is Python's strict `json`, which keeps each number's source text. The fast way is polars,
which reads a number through a binary float and so would lose digits. A binary float keeps any decimal
number of up to 15 significant digits apart from all others (IEEE 754 binary64, DBL_DIG), so the fast way
is exact where no wanted number is longer, and one scan over the bytes proves that. The scan also sends to
the exact way what polars reads too kindly: unpaired surrogates, a fraction in an integer or text field,
true and false in a number field. Where polars refuses a body, the exact way finds out why.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from finks.contract.bodies import Body, Decoded, Fault, MalformedError, numbered, stacked
from finks.contract.json_names import every_name_once
from finks.contract.json_strict import REPEATED, parse_json, parse_lines
from finks.contract.spec import CompiledContract, Kind

_NUMERIC = (Kind.DECIMAL, Kind.FLOAT)
_ALWAYS_EXACT = (
    r"\\u[dD][89a-fA-F]",  # perhaps an unpaired surrogate
    r'\\[^"]*"\s*:',  # an escape in a member's name
)
# A number that a binary float may not keep: more than 15 digits, or an exponent of three.
_LONG_NUMBER = r"-?(?:[0-9]{16}|[0-9.]{17}|[0-9.]+[eE][-+]?[0-9]{3})"
# A number whose spelling counts because the field is no decimal: 5.0 is no integer, 1.10 no 1.1.
_SPELLED_NUMBER = r"-0|-?[0-9]+[.eE]|-?[0-9]{19}"
_NESTED_LINES = re.compile(rb":\s*[\[{]")


def _inexact(contract: CompiledContract, names: Mapping[str, str]) -> str:
    """A regular expression that matches every body whose fast reading could differ from the exact one."""
    numeric = [names[spec.name] for spec in contract.fields if spec.kind in _NUMERIC]
    other = [names[spec.name] for spec in contract.fields if spec.kind not in _NUMERIC]
    parts: list[str] = [*_ALWAYS_EXACT]
    if numeric:
        parts.append(rf'"(?:{_either(numeric)})"\s*:\s*(?:[tf]|{_LONG_NUMBER})')
    if other:
        parts.append(rf'"(?:{_either(other)})"\s*:\s*(?:{_SPELLED_NUMBER})')
    return "|".join(parts)


def _either(names: list[str]) -> str:
    return "|".join(re.escape(json.dumps(name, ensure_ascii=False)[1:-1]) for name in names)


class JsonDecoder:
    """Decodes JSON and NDJSON bodies for one contract.

    Args:
        contract: Which fields are wanted.
        names: Contract field name to vendor field name.
    """

    def __init__(self, contract: CompiledContract, names: Mapping[str, str]) -> None:
        self._names = names
        self._inexact = _inexact(contract, names)
        vendor = list(dict.fromkeys(names.values()))
        kinds = {names[spec.name]: spec.kind for spec in contract.fields}
        self._text = pl.Schema(dict.fromkeys(vendor, pl.String))
        self._typed = pl.Schema({name: pl.Float64 if kinds[name] in _NUMERIC else pl.String for name in vendor})
        self._select = [pl.col(theirs).alias(ours) for ours, theirs in names.items()]

    def decode(self, bodies: list[Body], *, lines: bool) -> list[Decoded]:
        """Decode bodies of one format.

        Args:
            bodies: The bodies.
            lines: NDJSON, one record a line, instead of JSON.
        """
        if not bodies:
            return []
        typed, text, slow = _Stack(), _Stack(), []
        schema = self._typed
        for body, exact in zip(bodies, self._scan(bodies), strict=True):
            listed = None if exact else _as_list(body.content, lines=lines)
            frame = None if listed is None else self._fast(listed, schema)
            if listed is not None and frame is None and schema is self._typed:
                frame = self._fast(listed, self._text)
                # One body with quoted numbers announces more of them.
                schema = self._typed if frame is None else self._text
            if frame is None:
                slow.append(body)
            else:
                (typed if frame.schema == self._typed else text).add(body.response, frame)
        parts = [stack.decoded(self._select) for stack in (typed, text) if stack.frames]
        return [*parts, self._exact(slow, lines=lines)] if slow else parts

    def _scan(self, bodies: list[Body]) -> list[bool]:
        """For each body, whether it must be read the exact way."""
        try:
            texts = pl.Series([body.content for body in bodies], dtype=pl.Binary).cast(pl.String)
        except pl.exceptions.ComputeError:  # at least one body is not UTF-8: the exact way tells which
            return [True] * len(bodies)
        return texts.str.contains(self._inexact).to_list()

    def _fast(self, listed: _Listed, schema: pl.Schema) -> pl.DataFrame | None:
        """The records as polars reads them, or None where that is impossible or not proved right."""
        try:
            frame = pl.read_json(listed.content, schema=schema)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
            return None
        if listed.records not in (None, frame.height):
            return None
        return frame if every_name_once(listed.content, frame) else None

    def _exact(self, bodies: list[Body], *, lines: bool) -> Decoded:
        """The records as strict JSON has them, with the source text of every number."""
        columns: dict[str, list[str | None]] = {name: [] for name in self._names}
        sizes: list[tuple[int, int]] = []
        faults: list[Fault] = []
        for body in bodies:
            try:
                records = parse_lines(body.content) if lines else parse_json(body.content)
            except MalformedError as error:
                faults.append(Fault(body.response, -1, None, "malformed_body", str(error)))
                continue
            sizes.append((body.response, len(records)))
            for ordinal, record in enumerate(records):
                fault = _append(columns, self._names, record)
                if fault is not None:
                    faults.append(Fault(body.response, ordinal, *fault))
        return stacked(columns, sizes, faults)


class _Stack:
    """Frames of one schema, to be joined once."""

    def __init__(self) -> None:
        self.frames: list[pl.DataFrame] = []
        self.sizes: list[tuple[int, int]] = []

    def add(self, response: int, frame: pl.DataFrame) -> None:
        self.frames.append(frame)
        self.sizes.append((response, frame.height))

    def decoded(self, select: list[pl.Expr]) -> Decoded:
        return Decoded(numbered(pl.concat(self.frames, rechunk=True).select(select), self.sizes))


@dataclass(frozen=True, slots=True)
class _Listed:
    """A body as one JSON list, and how many records it must give if that is known."""

    content: bytes
    records: int | None


def _as_list(content: bytes, *, lines: bool) -> _Listed | None:
    """The body as one JSON list; None where only the exact way can tell."""
    trimmed = content.strip(b" \t\r\n")
    if not lines:
        if trimmed.startswith(b"["):
            return _Listed(trimmed, None)
        return _Listed(b"[" + trimmed + b"]", 1) if trimmed.startswith(b"{") else None
    rows = [row for line in trimmed.split(b"\n") if (row := line.strip(b" \t\r"))]
    # Without nested values no record can span two lines, so the number of records shows that lines are records.
    whole = all(row.startswith(b"{") and row.endswith(b"}") for row in rows)
    if not whole or _NESTED_LINES.search(trimmed):
        return None
    return _Listed(b"[" + b",".join(rows) + b"]", len(rows))


def _append(
    columns: Mapping[str, list[str | None]], names: Mapping[str, str], record: object
) -> tuple[str | None, str, str] | None:
    """Add one record to the columns; its first fault as field, rule and reason, or None."""
    if not isinstance(record, dict):
        for column in columns.values():
            column.append(None)
        return None, "not_an_object", "the record is not an object"
    repeated = record.get(REPEATED, ())
    fault = None
    for ours, theirs in names.items():
        value = record.get(theirs)
        if not repeated and (value is None or (type(value) is str and value.isascii())):
            columns[ours].append(value)  # the common case, without a call
            continue
        value, reason = _scalar(value)
        if theirs in repeated:
            value, reason = None, "is there twice"
        columns[ours].append(value)
        if reason and fault is None:
            fault = (ours, "type", f"{ours} {reason}")
    return fault


def _scalar(value: object) -> tuple[str | None, str]:
    """A value's text, or why it has none."""
    if value is None:
        return None, ""
    if isinstance(value, bool):
        return ("true" if value else "false"), ""
    if not isinstance(value, str):
        return None, "is nested where a single value belongs"
    if not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            return None, "holds an unpaired surrogate"
    return value, ""
