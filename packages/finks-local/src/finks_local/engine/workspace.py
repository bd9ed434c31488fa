"""One statement's place of work: a DuckDB of its own, the tables it has looked up, what it has read."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import duckdb
import pyarrow as pa
from pyiceberg.table import Table

from finks_local.backend import Backend
from finks_local.engine import metastore
from finks_local.engine.failures import told
from finks_local.engine.metastore import Metastore
from finks_local.engine.query import Query, parsed
from finks_local.engine.request import Request
from finks_local.engine.scan import information_schema, metadata_tables, textual
from finks_local.engine.scan.hive import hive_columns, hive_relation
from finks_local.engine.scan.iceberg import iceberg_columns, iceberg_relation, snapshot_at
from finks_local.engine.scan.relation import Relation
from finks_local.engine.storage import LakeFiles, Meter, name
from finks_local.engine.views import View, read_view
from finks_local.sql.errors import QueryError
from finks_local.sql.runtime import Runtime
from finks_local.sql.translate import Session, TableRef, translate
from finks_local.sql.types import Column

BATCH_ROWS: Final = 50_000
_MAX_VIEW_DEPTH: Final = 32


@dataclass(frozen=True, slots=True)
class Limits:
    """What one statement may use of the machine.

    Args:
        threads: Of DuckDB.
        memory: Of DuckDB, for example `512MB`; beyond it, it spills to a temporary folder.
        group_bytes: Rows to write are held back up to this many bytes and become one row group.
        file_bytes: A file is closed once it has grown this large.
    """

    threads: int = 2
    memory: str = "512MB"
    group_bytes: int = 32 * 1024 * 1024
    file_bytes: int = 128 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a query as they are made."""

    columns: tuple[Column, ...]
    batches: Iterator[pa.RecordBatch]


class Workspace:
    """Runs queries over Glue's tables; closed when the statement is done.

    Args:
        backend: Where the tables are.
        request: The statement's circumstances.
        limits: What it may use.
    """

    def __init__(self, backend: Backend, request: Request, limits: Limits) -> None:
        self.backend = backend
        self.request = request
        self.meter = Meter(request.scan_limit, cancel=request.cancel)
        self.catalog = Metastore(backend.glue)
        self.limits = limits
        self._tables: dict[tuple[str, str], Table] = {}
        self._views: dict[tuple[str, str], View] = {}
        self._made: set[str] = set()
        self._given: dict[str, Relation] = {}
        self._depth = 0
        self._closed = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    @cached_property
    def session(self) -> Session:
        """What the translation needs to know of the execution."""
        return Session(self.request.database, self.request.now)

    @cached_property
    def _folder(self) -> Path:
        return Path(tempfile.mkdtemp(prefix="finks-query-"))

    @cached_property
    def duck(self) -> Runtime:
        """The statement's DuckDB, in memory."""
        settings: dict[str, str | bool | int | float | list[str]] = {
            "threads": self.limits.threads,
            "memory_limit": self.limits.memory,
            "temp_directory": str(self._folder),
        }
        connection = duckdb.connect(config=settings)
        connection.register_filesystem(LakeFiles(self.backend.filesystem, self.meter))
        threading.Thread(target=self._watch, args=(connection,), daemon=True).start()
        return Runtime(connection, textual.FUNCTIONS)

    def _watch(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Interrupt the connection once the request is cancelled, until it heeds."""
        while not self._closed.wait(0.05):
            if self.request.cancel.is_set():
                connection.interrupt()

    def close(self) -> None:
        """Let go of the connection and of what it spilled."""
        self._closed.set()
        if "duck" in self.__dict__:
            self.duck.connection.close()
            shutil.rmtree(self._folder, ignore_errors=True)

    # ---- tables ----

    def columns(self, table: TableRef) -> Sequence[Column]:
        """The columns of a table, for the translation."""
        if table.relation in self._given:
            return self._given[table.relation].columns
        if table.database == information_schema.DATABASE:
            return information_schema.columns(table.name)
        row = self.catalog.table(table.database, table.name)
        if table.metadata is not None:
            return metadata_tables.relation(self.iceberg(table.database, table.name), table.metadata).columns
        if metastore.is_view(row):
            return self.view(table.database, table.name).columns
        if metastore.is_iceberg(row):
            loaded = self.iceberg(table.database, table.name)
            snapshot = snapshot_at(loaded, table.version, table.at)
            return iceberg_columns(loaded.scan(snapshot_id=snapshot).projection())
        if table.version is not None or table.at is not None:
            raise QueryError("NOT_SUPPORTED", "This connector does not support versioned tables")
        return hive_columns(row)

    def iceberg(self, database: str, table: str) -> Table:
        """An Iceberg table as it was when the statement first asked for it."""
        key = (database, table)
        if key not in self._tables:
            row = self.catalog.table(database, table)
            with told(f"{database}.{table}"):
                self._tables[key] = self.backend.catalog.table(row)
        return self._tables[key]

    def view(self, database: str, name: str) -> View:
        """A view's text and columns."""
        key = (database, name)
        if key not in self._views:
            self._views[key] = read_view(self.catalog.table(database, name))
        return self._views[key]

    def give(self, table: TableRef, relation: Relation) -> None:
        """Let a name stand for this relation instead of what the catalog has."""
        self._given[table.relation] = relation

    # ---- queries ----

    def run(self, query: Query) -> Rows:
        """The rows of a Trino query."""
        return self.run_sql(*self.translated(query))

    def run_sql(self, sql: str, columns: tuple[Column, ...]) -> Rows:
        """The rows of a DuckDB query whose tables have been made."""
        return Rows(columns, self._stream(sql))

    def translated(self, query: Query, session: Session | None = None) -> tuple[str, tuple[Column, ...]]:
        """DuckDB's text of a Trino query, its tables made."""
        renamed: Any = information_schema.renamed(query)
        translation = translate(renamed, self, session or self.session)
        for table in translation.tables:
            self._make(table)
        return translation.sql, translation.columns

    def _stream(self, sql: str) -> Iterator[pa.RecordBatch]:
        with told():
            reader: Any = self.duck.sql(sql).to_arrow_reader(BATCH_ROWS)
        while True:
            self.meter.check()
            with told():
                try:
                    batch = reader.read_next_batch()
                except StopIteration:
                    return
            yield batch

    def _make(self, table: TableRef) -> None:
        """Create the DuckDB view that a translation reads a table by."""
        if table.relation in self._made:
            return
        sql = self._select(table)
        self._made.add(table.relation)
        with told(f"{table.database}.{table.name}"):
            self.duck.execute(f"create schema if not exists {name(table.database)}")
            self.duck.execute(f"create view {table.relation} as {sql}")

    def _select(self, table: TableRef) -> str:
        if table.relation in self._given:
            return self._given[table.relation].sql
        if table.database == information_schema.DATABASE:
            return self._arrow(information_schema.rows(table.name, self.catalog))
        row = self.catalog.table(table.database, table.name)
        if metastore.is_view(row):
            return self._view_select(table)
        if not metastore.is_iceberg(row):
            return hive_relation(row, self.catalog, self.backend.s3, self.request.now).sql
        loaded = self.iceberg(table.database, table.name)
        if table.metadata is not None:
            return self._arrow(metadata_tables.relation(loaded, table.metadata).rows)
        with told(f"{table.database}.{table.name}"):
            snapshot = snapshot_at(loaded, table.version, table.at)
            return iceberg_relation(loaded, self.backend.filesystem, snapshot).sql

    def _arrow(self, rows: pa.Table) -> str:
        alias = f"finks_rows_{len(self._made)}"
        self.duck.connection.register(alias, rows)
        return f"select * from {alias}"  # noqa: S608

    def _view_select(self, table: TableRef) -> str:
        """A view's query, in the view's own database, under the names and types that it declared."""
        if self._depth > _MAX_VIEW_DEPTH:
            raise QueryError("VIEW_IS_RECURSIVE", f"View '{table.database}.{table.name}' is recursive")
        view = self.view(table.database, table.name)
        self._depth += 1
        try:
            sql, columns = self.translated(parsed(view.sql), Session(view.database, self.request.now))
        finally:
            self._depth -= 1
        if len(columns) != len(view.columns):
            stale = f"View 'awsdatacatalog.{table.database}.{table.name}' is stale or in invalid state: "
            raise QueryError("VIEW_IS_STALE", f"{stale}it has {len(view.columns)} columns, its query {len(columns)}")
        inner = [f"c{i}" for i in range(len(columns))]
        outer = ", ".join(
            f"cast({old} as {column.type.duckdb}) as {name(column.name)}"
            for old, column in zip(inner, view.columns, strict=True)
        )
        return f"select {outer} from ({sql}) as v({', '.join(inner)})"  # noqa: S608
