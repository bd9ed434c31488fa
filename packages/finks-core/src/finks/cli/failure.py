"""What an error becomes on a terminal: text and an exit code, without a secret and without a traceback."""

from __future__ import annotations

import os
import traceback
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape

from finks.errors import FinksError, InvariantError
from finks.redact import SECRET_PARAMETERS, Redactor

TRACEBACK = "FINKS_TRACEBACK"
"""The environment variable that shows where an error came from."""

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it: 128 and the number of the signal."""

_redactor = Redactor()


def hide_secrets(values: Mapping[str, Any]) -> None:
    """Keep what is secret in these settings out of every error that is shown from now on."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            hide_secrets(value)
        elif isinstance(value, str) and any(word in name.lower() for word in SECRET_PARAMETERS):
            _redactor.add([value])


def show_failure(error: BaseException) -> int:
    """Say on standard error what happened; return the exit code."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if isinstance(error, KeyboardInterrupt):
        console.print("Interrupted.")
        return INTERRUPTED
    if os.environ.get(TRACEBACK):
        console.print(escape(_redactor.redact("".join(traceback.format_exception(error)))))
    if isinstance(error, FinksError):
        console.print(f"[bold red]error[/]: {escape(_redactor.redact(str(error)))}")
        return error.exit_code
    text = next(iter(str(error).splitlines()), "")
    told = _redactor.redact(f"{type(error).__name__}: {text}")
    console.print(f"[bold red]error[/]: a defect in finks: {escape(told)} ({TRACEBACK}=1 shows the traceback)")
    return InvariantError.exit_code
