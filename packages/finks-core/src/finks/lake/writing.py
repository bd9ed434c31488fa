"""Committing: what every writer does when another one was faster, and what every commit says of itself.

An attempt runs again only after the catalog said that its commit did not land. Where the catalog cannot know, the
error passes, and the next run reads from the tables what has landed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import pyarrow as pa
from pyiceberg.exceptions import CommitFailedException, ValidationException
from pyiceberg.table import Table

from finks.errors import ConflictError
from finks.lake.aws_errors import told
from finks.lake.files import OPERATION
from finks.observe import current_span, provenance, span

T = TypeVar("T")
ATTEMPTS: Final = 8
_FIRST_WAIT: Final = 0.02


def committing(where: str, attempt: Callable[[], T]) -> T:
    """Run `attempt` (load, compute, commit) until its commit is not overtaken, within a span of its own.

    Args:
        where: The table, for the error.
        attempt: Starts from a fresh table each time, so that it sees what the other writer did.

    Raises:
        ConflictError: Other writers were faster every time. Nothing was written.
    """
    with span("commit", table=where):
        return _until_landed(where, attempt)


def append(table: Table, rows: pa.Table, summary: Mapping[str, str]) -> int:
    """Append rows in one commit.

    Args:
        table: As it was loaded for this attempt.
        summary: The properties of the snapshot; run and trace are added.

    Returns:
        The snapshot.
    """
    with table.transaction() as transaction:
        transaction.append(rows, snapshot_properties=stamped(summary))
    return landed(table)


def stamped(summary: Mapping[str, str]) -> dict[str, str]:
    """The properties of a snapshot, with those that say which run and which span made it."""
    return {**provenance(), **summary}


def landed(table: Table) -> int:
    """The snapshot of the commit that was just made, which the commit's span is told of.

    Args:
        table: The table after the commit.
    """
    snapshot = table.current_snapshot()
    assert snapshot is not None
    said = snapshot.summary
    current_span().set(
        operation=said.get(OPERATION) if said else None,
        rows=int(said.get("added-records") or 0) if said else None,
        snapshot_id=snapshot.snapshot_id,
    )
    return snapshot.snapshot_id


def _until_landed(where: str, attempt: Callable[[], T]) -> T:
    number = 0
    while True:
        try:
            with told():
                return attempt()
        except (CommitFailedException, ValidationException) as error:
            number += 1
            if number == ATTEMPTS:
                raise ConflictError(
                    "Another writer kept changing the table.",
                    where=where,
                    expected="one writer at a time",
                    got=str(error),
                    hint="Let the other run end, then run the same command again.",
                ) from error
            time.sleep(_FIRST_WAIT * 2**number)
