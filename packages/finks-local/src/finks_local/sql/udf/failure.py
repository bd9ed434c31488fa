"""How a Python function fails, and the form of a table of functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from finks_local.sql.value import FAILURE_MARK

Functions = dict[str, tuple[Callable[..., Any], list[str], str]]
"""Name in DuckDB → function, DuckDB types of its parameters, DuckDB type of its result."""

ZONED: Final = "STRUCT(t TIMESTAMPTZ, z VARCHAR)"
"""A timestamp with time zone whose zone varies by value: instant and zone."""


class FailureError(Exception):
    """A Trino error inside a function; `explain` reads it out of DuckDB's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{FAILURE_MARK}{code}{FAILURE_MARK}{message}")


def argument(message: str) -> FailureError:
    """A wrong argument."""
    return FailureError("INVALID_FUNCTION_ARGUMENT", message)
