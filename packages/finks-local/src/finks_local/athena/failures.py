"""Athena's ways of saying no: refused requests, and failed queries."""

from __future__ import annotations

from typing import Any, Final

from finks_local.sql.errors import SYSTEM, QueryError
from finks_local.wire import ServiceError

INVALID_INPUT: Final = "INVALID_INPUT"
CANCELLED_BY_USER: Final = "Query cancelled by user"
SCAN_LIMIT: Final = "Bytes scanned limit was exceeded"

_ERROR_TYPES: Final = {
    "COLUMN_NOT_FOUND": 1006, "DIVISION_BY_ZERO": 1001, "FUNCTION_NOT_FOUND": 1303, "INVALID_CAST_ARGUMENT": 1100,
    "NOT_SUPPORTED": 1200, "SCHEMA_NOT_FOUND": 1301, "TABLE_NOT_FOUND": 1301, "TYPE_MISMATCH": 1002,
}  # fmt: skip
"""`ErrorType` by Trino's error name, as seen on Athena by the project athena-local (its README, "Supported API")."""

_GENERIC_INTERNAL: Final = 200


def invalid(message: str, code: str = INVALID_INPUT) -> ServiceError:
    """A request that is refused: `InvalidRequestException`.

    Args:
        message: Athena's text.
        code: `AthenaErrorCode`.
    """
    return ServiceError("InvalidRequestException", message, AthenaErrorCode=code, ErrorCode=code)


def absent(message: str, resource: str | None = None) -> ServiceError:
    """Something that does not exist: `ResourceNotFoundException`."""
    if resource is None:
        return ServiceError("ResourceNotFoundException", message)
    return ServiceError("ResourceNotFoundException", message, ResourceName=resource)


def metadata(message: str) -> ServiceError:
    """The catalog said no: `MetadataException`."""
    return ServiceError("MetadataException", message)


def athena_error(error: BaseException) -> dict[str, Any]:
    """`Status.AthenaError` of a failed query.

    An error that is not the query's own is a defect of the endpoint, or of what it stands on: category 1.
    """
    if isinstance(error, QueryError):
        kind = _ERROR_TYPES.get(error.code, error.error_type)
        return _shape(error.category, kind, str(error))
    return _shape(SYSTEM, _GENERIC_INTERNAL, f"GENERIC_INTERNAL_ERROR: {type(error).__name__}: {error}")


def _shape(category: int, kind: int, message: str) -> dict[str, Any]:
    return {"ErrorCategory": category, "ErrorType": kind, "Retryable": False, "ErrorMessage": message}
