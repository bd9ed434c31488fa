"""Statements run for real: Hive and Iceberg tables of a Glue catalog on S3, read and written through DuckDB."""

from finks_local.engine.engine import Engine
from finks_local.engine.request import Outcome, Request
from finks_local.engine.workspace import Limits

__all__ = ["Engine", "Limits", "Outcome", "Request"]
