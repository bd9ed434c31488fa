"""Trying again where a receiver may only be busy."""

from __future__ import annotations

import random
from collections.abc import Callable

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from finks.errors import RetryableError

ATTEMPTS = 4
LONGEST = 8.0
"""Seconds of the longest wait; the waits double up to it, each drawn from zero on (full jitter)."""


def again(send: Callable[[], None]) -> None:
    """Call `send`, up to four times as long as it raises a `RetryableError`.

    Raises:
        FinksError: The last attempt's.
    """
    Retrying(
        stop=stop_after_attempt(ATTEMPTS), wait=_wait, retry=retry_if_exception_type(RetryableError), reraise=True
    )(send)


def _wait(state: RetryCallState) -> float:
    return random.random() * min(LONGEST, 2.0 ** (state.attempt_number - 2))  # noqa: S311 - no secret
