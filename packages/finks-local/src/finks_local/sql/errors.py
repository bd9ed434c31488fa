"""The one error of the SQL endpoint, told as Athena tells it."""

from __future__ import annotations

from typing import Final

USER: Final = 2
SYSTEM: Final = 1


class QueryError(Exception):
    """A query failed.

    Args:
        code: Trino's error name, for example `COLUMN_NOT_FOUND`.
        message: What Athena would say after the code; with `line L:C:` first where the place is known.
        category: Athena's `ErrorCategory`: 1 system, 2 user, 3 other.
        error_type: Athena's `ErrorType`, from the reference of `AthenaError`.
    """

    def __init__(self, code: str, message: str, *, category: int = USER, error_type: int = 1006) -> None:
        self.code = code
        self.message = message
        self.category = category
        self.error_type = error_type
        super().__init__(f"{code}: {message}")
