"""One run at a time per lake, and a signal that ends a run at a boundary."""

from __future__ import annotations

import os
import signal
import threading

import finks
import pytest
from finks.errors import LakeBusyError
from finks.run.runner import Runner, RunOptions


def test_a_second_run_is_refused_and_told_who_holds_the_lake(settings, run):
    run(gold=False)
    with (
        finks.open(settings.lake.path).hold(run_id="first", command="finks run"),
        pytest.raises(LakeBusyError, match=str(os.getpid())),
    ):
        run(gold=False)


def test_sigterm_keeps_what_was_fetched_and_the_next_run_completes_it(settings):
    fetched = threading.Event()

    def terminate(event) -> None:
        if event.name == "slice.fetched" and not fetched.is_set():
            fetched.set()
            os.kill(os.getpid(), signal.SIGTERM)

    options = RunOptions(gold=False)
    first = Runner(settings, options, terminate).run()
    assert (first.status, first.exit_code) == ("stopped", 143)
    second = Runner(settings, options).run()
    assert second.exit_code == 0
    files = ("files_transactions", "files_portfolios")
    calls = [stream.calls for made in (first, second) for name, stream in made.streams.items() if name not in files]
    assert sum(calls) == 19
    assert finks.open(settings.lake.path).latest("files_portfolios").polars().height >= 2
