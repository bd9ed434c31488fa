"""What an error becomes on a terminal: text and an exit code, without a secret and without a traceback."""

from __future__ import annotations

import os
import traceback

from rich.console import Console
from rich.markup import escape

from finks.errors import FinksError, InvariantError
from finks.redact import hidden

TRACEBACK = "FINKS_TRACEBACK"
"""The environment variable that shows where an error came from."""

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it: 128 and the number of the signal."""


def show_failure(error: BaseException) -> int:
    """Say on standard error what happened; return the exit code."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if isinstance(error, KeyboardInterrupt):
        console.print("Interrupted.")
        return INTERRUPTED
    if os.environ.get(TRACEBACK):
        console.print(escape(hidden("".join(traceback.format_exception(error)))))
    if isinstance(error, FinksError):
        console.print(f"[bold red]error[/]: {escape(hidden(str(error)))}")
        return error.exit_code
    text = next(iter(str(error).splitlines()), "")
    told = hidden(f"{type(error).__name__}: {text}")
    console.print(f"[bold red]error[/]: a defect in finks: {escape(told)} ({TRACEBACK}=1 shows the traceback)")
    return InvariantError.exit_code
