"""What DuckDB, S3, Glue and Iceberg say of a failure, in Athena's words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import duckdb
import pyarrow as pa
from botocore.exceptions import BotoCoreError, ClientError
from pyiceberg.exceptions import CommitFailedException, NoSuchTableError, ValidationError, ValidationException

from finks_local.sql.errors import SYSTEM, QueryError
from finks_local.sql.value import FAILURE_MARK

ICEBERG_ERROR: Final = 233
"""Athena's `ErrorType` of Iceberg errors; dbt-athena retries a commit by it."""
_DENIED: Final = {"AccessDeniedException", "AccessDenied", "AllAccessDisabled", "403", "Forbidden"}
_QUERY_ERROR: Final = re.compile(r"QueryError: ([A-Z_]{3,}): (.*)", re.DOTALL)
_MARKED: Final = re.compile(rf"'{FAILURE_MARK}([A-Z_]+){FAILURE_MARK}(.*)' to ", re.DOTALL)
_BY_TEXT: Final = (
    (r"INTERRUPT Error", "USER_CANCELED"),
    (r"[Dd]ivi(sion|de) by zero", "DIVISION_BY_ZERO"),
    (r"Out of Memory Error", "EXCEEDED_LOCAL_MEMORY_LIMIT"),
    (r"Out of Range Error", "NUMERIC_VALUE_OUT_OF_RANGE"),
    (r"Conversion Error", "INVALID_CAST_ARGUMENT"),
    (r"ACCESS_DENIED|Access Denied", "PERMISSION_DENIED"),
    (r"No magic bytes found|too small to be a Parquet|Parquet|CSV Error|JSON", "HIVE_BAD_DATA"),
    (r"IO Error|NoSuchKey|NO_SUCH_KEY|Path does not exist|NO_SUCH_BUCKET", "HIVE_CURSOR_ERROR"),
    (r"More than one row returned by a subquery", "SUBQUERY_MULTIPLE_ROWS"),
    (r"Invalid Input Error", "INVALID_FUNCTION_ARGUMENT"),
    (r"Binder Error|Catalog Error|Parser Error|Not implemented Error", "NOT_SUPPORTED"),
)


def from_text(text: str) -> QueryError:
    """The error behind a message of DuckDB or Arrow."""
    inner = _MARKED.search(text) or _QUERY_ERROR.search(text)
    if inner is not None:
        return QueryError(inner[1], inner[2].strip())
    for pattern, code in _BY_TEXT:
        if re.search(pattern, text):
            return QueryError(code, text.strip())
    return QueryError("GENERIC_INTERNAL_ERROR", text.strip(), category=SYSTEM)


def from_aws(error: ClientError, resource: str = "") -> QueryError:
    """The error behind a refusal of AWS; access denied names the action."""
    details: Any = error.response.get("Error", {})
    code, message = str(details.get("Code", "")), str(details.get("Message", ""))
    if code in _DENIED:
        action = f"{error.operation_name} on {resource}" if resource else error.operation_name
        text = f"Insufficient permissions to execute the query. {action}: {message}"
        return QueryError("PERMISSION_DENIED", text)
    if code == "NoSuchBucket":
        return QueryError("HIVE_CURSOR_ERROR", f"The specified bucket does not exist: {resource}")
    return QueryError("GENERIC_INTERNAL_ERROR", f"{error.operation_name}: {code}: {message}", category=SYSTEM)


@contextmanager
def told(resource: str = "") -> Iterator[None]:
    """Turn every failure of the libraries inside into a QueryError.

    Args:
        resource: What was worked on, for the message.
    """
    try:
        yield
    except QueryError:
        raise
    except ClientError as error:
        raise from_aws(error, resource) from error
    except (CommitFailedException, ValidationException) as error:
        text = f"Failed to commit Iceberg update to table: {resource}: {error}"
        raise QueryError("ICEBERG_COMMIT_ERROR", text, error_type=ICEBERG_ERROR) from error
    except NoSuchTableError as error:
        raise QueryError("ICEBERG_INVALID_METADATA", str(error), error_type=ICEBERG_ERROR) from error
    except ValidationError as error:
        raise QueryError("NOT_SUPPORTED", str(error)) from error
    except (duckdb.Error, pa.ArrowException, OSError, RuntimeError, BotoCoreError) as error:
        raise from_text(f"{error} [{resource}]" if resource else str(error)) from error
