"""What DuckDB, S3, Glue and Iceberg say of a failure, in Athena's words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import unquote

import duckdb
import pyarrow as pa
from botocore.exceptions import BotoCoreError, ClientError
from pyiceberg.exceptions import CommitFailedException, NoSuchTableError, ValidationError, ValidationException

from finks_local.sql.errors import SYSTEM, QueryError
from finks_local.sql.explain import explain
from finks_local.sql.value import FAILURE_MARK

COMMIT_ERROR: Final = "ICEBERG_COMMIT_ERROR"
ICEBERG_ERROR: Final = 233
"""Athena's `ErrorType` of Iceberg errors; dbt-athena retries a commit by it."""
_DENIED: Final = {"AccessDeniedException", "AccessDenied", "AllAccessDisabled", "403", "Forbidden"}
_QUERY_ERROR: Final = re.compile(r"QueryError: ([A-Z_]{3,}): (.*)", re.DOTALL)
_OWN: Final = re.compile(rf"{FAILURE_MARK}[A-Z_]+{FAILURE_MARK}")
_PATH: Final = re.compile(r"lake://\S*?/@/([^\s'\"]+)")
_STORAGE: Final = (
    (r"INTERRUPT Error", "USER_CANCELED"),
    (r"ACCESS_DENIED|Access Denied", "PERMISSION_DENIED"),
    (r"Conversion Error(?s:.)*s3://", "HIVE_BAD_DATA"),
    (r"No magic bytes found|too small to be a Parquet|Parquet|CSV Error|[Mm]alformed JSON", "HIVE_BAD_DATA"),
    (r"IO Error|NoSuchKey|NO_SUCH_KEY|Path does not exist|NO_SUCH_BUCKET", "HIVE_CURSOR_ERROR"),
)
_KINDS: Final[Mapping[str, type[duckdb.Error]]] = {
    "Conversion": duckdb.ConversionException,
    "Out of Range": duckdb.OutOfRangeException,
    "Out of Memory": duckdb.OutOfMemoryException,
    "Invalid Input": duckdb.InvalidInputException,
    "Not implemented": duckdb.NotImplementedException,
}
"""What DuckDB's errors are when Arrow hands them on as text."""


def from_library(error: Exception, resource: str = "") -> QueryError:
    """The error behind one of DuckDB's or Arrow's."""
    suffix = f" [{resource}]" if resource else ""
    text = _PATH.sub(lambda match: f"s3://{unquote(match[1])}", str(error)).strip() + suffix
    inner = _QUERY_ERROR.search(text)
    if inner is not None:
        return QueryError(inner[1], inner[2].strip())
    if _OWN.search(text) is None:
        for pattern, code in _STORAGE:
            if re.search(pattern, text):
                return QueryError(code, text)
    kind = type(error) if isinstance(error, duckdb.Error) else _KINDS.get(text.partition(" Error: ")[0])
    if kind is None:
        return QueryError("GENERIC_INTERNAL_ERROR", text, category=SYSTEM)
    return explain(kind(text))


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
        raise QueryError(COMMIT_ERROR, text, error_type=ICEBERG_ERROR) from error
    except NoSuchTableError as error:
        raise QueryError("ICEBERG_INVALID_METADATA", str(error), error_type=ICEBERG_ERROR) from error
    except ValidationError as error:
        raise QueryError("NOT_SUPPORTED", str(error)) from error
    except (duckdb.Error, pa.ArrowException, OSError, RuntimeError, BotoCoreError) as error:
        raise from_library(error, resource) from error
