"""`Dataset`: a lazy table that becomes Arrow, polars, pandas or a DuckDB relation when asked."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING

import pyarrow as pa

from finks.errors import MissingExtraError
from finks.lake.aws_errors import told

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import polars as pl


class Dataset:
    """The rows of one read. Nothing is read before one of its methods asks; each call reads again.

    Args:
        name: What is read, for `repr`.
        load: Reads the rows.
    """

    def __init__(self, name: str, load: Callable[[], pa.Table]) -> None:
        self._name = name
        self._load = load

    def __repr__(self) -> str:
        return f"<finks Dataset {self._name}: .polars() .arrow() .pandas() .duckdb()>"

    def arrow(self) -> pa.Table:
        """The rows as an Arrow table; decimals stay decimals."""
        with told():
            return self._load()

    def polars(self) -> pl.DataFrame:
        """The rows as a polars frame."""
        import polars as pl  # Gold's readers in AWS Lambda do without it: it would fill most of the room there

        return pl.DataFrame(self.arrow())

    def pandas(self) -> pd.DataFrame:
        """The rows as a pandas frame; decimals are `decimal.Decimal` objects.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        try:
            importlib.import_module("pandas")
        except ImportError as error:
            raise MissingExtraError("pandas is not installed.", hint="pip install 'finks-core[pandas]'") from error
        return self.arrow().to_pandas()

    def duckdb(self, connection: duckdb.DuckDBPyConnection | None = None) -> duckdb.DuckDBPyRelation:
        """The rows as a DuckDB relation.

        Args:
            connection: The connection to use; a fresh one in memory otherwise.

        Raises:
            MissingExtraError: DuckDB is not installed.
        """
        module = import_duckdb()
        target = connection if connection is not None else module.connect()
        return target.from_arrow(self.arrow())


def import_duckdb() -> ModuleType:
    """The duckdb module.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import duckdb
    except ImportError as error:
        raise MissingExtraError("DuckDB is not installed.", hint="pip install 'finks-core[duckdb]'") from error
    return duckdb
