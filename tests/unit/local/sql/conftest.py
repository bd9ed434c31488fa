"""Queries run as the local Athena runs them: parse, translate, DuckDB, text."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from finks_local.sql import Column, QueryError, Runtime, Session, explain, parse, rows_as_text, translate
from finks_local.sql.translate import TableRef, Translation

FIDELITY = Path(__file__).parent / "fidelity"
NOW = datetime(2026, 11, 24, 8, 0, 0, 123456, tzinfo=UTC)


@dataclass
class Tables:
    """Columns by database and table."""

    known: Mapping[tuple[str, str], Sequence[Column]] = field(default_factory=dict)

    def columns(self, table: TableRef) -> Sequence[Column]:
        try:
            return self.known[table.database, table.name]
        except KeyError:
            name = f"awsdatacatalog.{table.database}.{table.name}"
            raise QueryError("TABLE_NOT_FOUND", f"Table '{name}' does not exist") from None


@dataclass
class Athena:
    """One connection and the tables that it has."""

    runtime: Runtime
    tables: Tables = field(default_factory=Tables)

    def translate(self, sql: str) -> Translation:
        return translate(parse(sql), self.tables, Session("mart", NOW))

    def rows(self, sql: str) -> list[list[str | None]]:
        """The result as text."""
        translation = self.translate(sql)
        try:
            table = self.runtime.sql(translation.sql).to_arrow_table()
        except duckdb.Error as error:
            raise explain(error) from error
        assert [column.type.arrow for column in translation.columns] == table.schema.types
        return [row for batch in table.to_batches() for row in rows_as_text(batch, translation.columns)]

    def told(self, sql: str) -> str:
        """The result in one line: columns parted by |, rows by /; an error as ! and its code."""
        try:
            rows = self.rows(sql)
        except QueryError as error:
            return f"!{error.code}"
        return " / ".join(" | ".join("NULL" if value is None else value for value in row) for row in rows)


@pytest.fixture(scope="session")
def athena() -> Iterator[Athena]:
    connection = duckdb.connect()
    yield Athena(Runtime(connection))
    connection.close()


@pytest.fixture
def with_tables() -> Iterator[Callable[[Mapping[tuple[str, str], Sequence[Column]]], Athena]]:
    """An Athena with empty tables of these columns."""
    connection = duckdb.connect()

    def make(known: Mapping[tuple[str, str], Sequence[Column]]) -> Athena:
        for (database, name), columns in known.items():
            connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{database}"')
            spelled = ", ".join(f'"{column.name}" {column.type.duckdb}' for column in columns)
            connection.execute(f'CREATE TABLE "{database}"."{name}" ({spelled})')
        return Athena(Runtime(connection), Tables(known))

    yield make
    connection.close()


@dataclass(frozen=True)
class Row:
    """A query and what Trino documents of it."""

    area: str
    sql: str
    expected: str
    source: str

    @property
    def query(self) -> str:
        whole = self.sql.split(" ", 1)[0] in {"with", "values", "select"}
        return self.sql if whole else f"select {self.sql}"


@pytest.fixture(scope="session")
def told(athena, fidelity) -> dict[str, str]:
    """What came out, by query."""
    return {row.query: athena.told(row.query) for rows in fidelity.values() for row in rows}


@pytest.fixture(scope="session")
def fidelity() -> dict[str, list[Row]]:
    """The rows by file."""
    paths = sorted(FIDELITY.glob("*.csv"))
    return {path.stem: [Row(**line) for line in csv.DictReader(path.read_text().splitlines())] for path in paths}
