"""What a statement is run with, and what comes of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from finks_local.sql.types import Column

DML = "DML"
DDL = "DDL"
UTILITY = "UTILITY"


@dataclass(frozen=True, slots=True)
class Request:
    """One execution.

    Args:
        query_id: Names the folder of a CTAS without a location.
        database: Where names without a database are looked for.
        now: The session's clock; aware.
        staging: `s3://` folder for the data of a CTAS without a location.
        parameters: For the statement's question marks, each as a literal in text.
        scan_limit: The most bytes that may be read; None for no limit.
        cancel: Set it, then call the outcome's `interrupt`, or the engine's: the statement ends.
        prepared: The prepared statements of the workgroup by name.
    """

    query_id: str
    database: str
    now: datetime
    staging: str
    parameters: tuple[str, ...] = ()
    scan_limit: int | None = None
    cancel: threading.Event = field(default_factory=threading.Event)
    prepared: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Outcome:
    """A statement that was run; the rows of a query are still to be taken.

    Args:
        statement_type: `DML`, `DDL` or `UTILITY`.
        substatement_type: For example `SELECT`, `CREATE_TABLE_AS_SELECT`.
        columns: Of the rows.
        batches: The rows, as they are made; a failure on the way raises `QueryError`.
        update_count: Rows written or changed; None where the statement changes none.
        data_manifest: Locations of the files that the statement wrote.
        prepare: The prepared statement to keep, its name and text; an empty text forgets it.
    """

    statement_type: str
    substatement_type: str
    columns: tuple[Column, ...] = ()
    batches: Iterator[pa.RecordBatch] = field(default_factory=lambda: iter(()))
    update_count: int | None = None
    data_manifest: tuple[str, ...] = ()
    prepare: tuple[str, str] | None = None
    bytes_scanned: Callable[[], int] = field(default=lambda: 0)
    close: Callable[[], None] = field(default=lambda: None)
