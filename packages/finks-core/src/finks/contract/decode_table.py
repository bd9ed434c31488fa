"""CSV and Parquet bodies to fields."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence

import polars as pl
import pyarrow as pa
import pyarrow.csv as pa_csv

from finks.contract.bodies import Body, Decoded, Fault, MalformedError, numbered

Reader = Callable[[bytes], tuple[pl.DataFrame, str | None]]


class TableDecoder:
    """Decodes CSV and Parquet bodies for one contract.

    Args:
        names: Contract field name to vendor field name.
        keys: The contract's key fields that the body must carry.
    """

    def __init__(self, names: Mapping[str, str], keys: Sequence[str]) -> None:
        self._names = names
        self._keys = keys

    def decode(self, bodies: list[Body], read: Reader) -> list[Decoded]:
        """Decode bodies with one of this decoder's readers."""
        frames: list[pl.DataFrame] = []
        sizes: list[tuple[int, int]] = []
        faults: list[Fault] = []
        for body in bodies:
            try:
                frame, nested = read(body.content)
            except MalformedError as error:
                faults.append(Fault(body.response, -1, None, "malformed_body", str(error)))
                continue
            frames.append(frame)
            sizes.append((body.response, frame.height))
            if nested is not None:
                reason = f"{nested} is nested where a single value belongs"
                faults += [Fault(body.response, row, nested, "type", reason) for row in range(frame.height)]
        if not frames:
            empty = pl.DataFrame(schema=dict.fromkeys(self._names, pl.String))
            return [Decoded(numbered(empty, []), tuple(faults))] if faults else []
        return [Decoded(numbered(pl.concat(frames), sizes), tuple(faults))]

    def csv(self, content: bytes) -> tuple[pl.DataFrame, str | None]:
        """Read CSV (RFC 4180, UTF-8, a header). Every row must have the header's number of fields."""
        header = self._header(content)
        # A quote that is left open is a body cut short; the reader would close it without a word.
        if content.count(b'"') % 2:
            raise MalformedError("not CSV: a quote is left open")
        wanted = [theirs for theirs in dict.fromkeys(self._names.values()) if theirs in header]
        try:
            table = pa_csv.read_csv(
                io.BytesIO(content if content.endswith(b"\n") else content + b"\n"),
                read_options=pa_csv.ReadOptions(use_threads=False, block_size=max(len(content) + 1, 1024)),
                parse_options=pa_csv.ParseOptions(newlines_in_values=True),
                convert_options=pa_csv.ConvertOptions(
                    column_types=dict.fromkeys(wanted, pa.string()), include_columns=wanted, strings_can_be_null=False
                ),
            )
        except pa.ArrowInvalid as error:
            raise MalformedError(f"not CSV: {error}") from error
        return self._named(pl.DataFrame(table))

    def parquet(self, content: bytes) -> tuple[pl.DataFrame, str | None]:
        """Read Parquet, each value as the text that stands for it exactly."""
        try:
            table = pl.read_parquet(io.BytesIO(content), use_statistics=False)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise MalformedError(f"not Parquet: {error}") from error
        self._require(table.columns)
        wanted = [theirs for theirs in dict.fromkeys(self._names.values()) if theirs in table.columns]
        return self._named(table.select(wanted))

    def _header(self, content: bytes) -> list[str]:
        """The column names. Raises MalformedError when one is there twice or a key's is missing."""
        try:
            text = content.decode("utf-8")
            header = next(csv.reader(io.StringIO(text), strict=True), [])
        except UnicodeDecodeError as error:
            raise MalformedError(f"not UTF-8 at byte {error.start}") from error
        except csv.Error as error:
            raise MalformedError(f"not CSV: {error}") from error
        repeated = sorted({name for name in header if header.count(name) > 1})
        if repeated:
            raise MalformedError(f"the CSV header has {', '.join(repeated)} twice")
        self._require(header)
        return header

    def _require(self, columns: Sequence[str]) -> None:
        missing = [self._names[key] for key in self._keys if self._names[key] not in columns]
        if missing:
            raise MalformedError(f"no column {', '.join(missing)}: this is not the expected table")

    def _named(self, table: pl.DataFrame) -> tuple[pl.DataFrame, str | None]:
        """The contract's columns as text, and the first one that is nested."""
        columns: list[pl.Expr] = []
        nested = None
        for ours, theirs in self._names.items():
            text = as_text(theirs, table.schema[theirs]) if theirs in table.columns else pl.lit(None, pl.String)
            if text is None:
                nested = nested or ours
                text = pl.lit(None, pl.String)
            columns.append(text.alias(ours))
        return table.with_columns(columns).select(list(self._names)), nested


def as_text(name: str, dtype: pl.DataType) -> pl.Expr | None:
    """A typed column as the text that the contract's grammar reads back to the same value; None if nested."""
    column = pl.col(name)
    if isinstance(dtype, pl.Datetime):
        return column.dt.to_string("%Y-%m-%dT%H:%M:%S%.6f" + ("" if dtype.time_zone is None else "%:z"))
    if isinstance(dtype, pl.Date):
        return column.dt.to_string("%Y-%m-%d")
    if dtype.is_nested() or isinstance(dtype, pl.Binary | pl.Object | pl.Duration | pl.Time):
        return None
    return column.cast(pl.String)
