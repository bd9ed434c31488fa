"""Committing: what every writer does when another one was faster.

An attempt runs again only after the catalog said that its commit did not land. Where the catalog cannot know, the
error passes, and the next run reads from the tables what has landed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

from pyiceberg.exceptions import CommitFailedException, ValidationException

from finks.errors import ConflictError
from finks.lake.aws_errors import told

T = TypeVar("T")
ATTEMPTS: Final = 8
_FIRST_WAIT: Final = 0.02


def committing(where: str, attempt: Callable[[], T]) -> T:
    """Run `attempt` (load, compute, commit) until its commit is not overtaken.

    Args:
        where: The table, for the error.
        attempt: Starts from a fresh table each time, so that it sees what the other writer did.

    Raises:
        ConflictError: Other writers were faster every time. Nothing was written.
    """
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
