"""The functions that Trino documents, by family, and the parts of expressions that are functions in disguise."""

from __future__ import annotations

from finks_local.sql.functions.catalog import AGGREGATES, SCALARS, WINDOWS, known_elsewhere
from finks_local.sql.functions.forms import (
    at_time_zone,
    attempt,
    in_list,
    in_subquery,
    like,
    quantified,
    subscript,
)

__all__ = [
    "AGGREGATES",
    "SCALARS",
    "WINDOWS",
    "at_time_zone",
    "attempt",
    "in_list",
    "in_subquery",
    "known_elsewhere",
    "like",
    "quantified",
    "subscript",
]
