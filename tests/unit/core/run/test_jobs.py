"""A process that finks starts ends when it should: by itself, on a stop, in time, and with its starter."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from finks.errors import (
    ConfigurationError,
    DeadlineExceededError,
    JobFailedError,
    RetryableError,
    StoppedError,
)
from finks.run.jobs import Ending, Job, Process, ProcessLauncher, watch

BUSY = "import os, sys, time; print(os.getpid(), flush=True); time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {BUSY}"
STARTER = """
import os, sys, time
from finks.run.jobs import Process
command = [sys.executable, "-c", sys.argv[1]]
process = Process(command, environment=os.environ, tell=lambda line: print(line, flush=True))
time.sleep(60)
"""


def python(code: str, **more) -> Process:
    return Process([sys.executable, "-c", code], environment=os.environ, **more)


def wait(process: Process, **more) -> Ending:
    return watch(process, **{"stop": lambda: False, "timeout": 60, "poll": 0.1, **more})


def gone(pid: int) -> bool:
    """Whether the process is dead, or will be at once; never true of one that lives."""
    for _ in range(200):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def told(process: Process) -> int:
    """The process's first line, its number."""
    while not process.output:
        time.sleep(0.02)
    return int(process.output)


def test_a_job_that_did_its_work_has_no_failure():
    process = python("print('done')")
    assert wait(process) == Ending()
    assert process.output == "done"


@pytest.mark.parametrize(("code", "kind"), [(1, JobFailedError), (2, ConfigurationError), (4, RetryableError)])
def test_an_exit_code_is_the_class_of_the_failure(code, kind):
    failure = wait(python(f"import sys; print('why', file=sys.stderr); sys.exit({code})")).failure
    assert type(failure) is kind
    assert f"exit code {code}: why" in str(failure)


def test_a_job_that_was_killed_failed():
    failure = wait(python("import os; os.kill(os.getpid(), 9)")).failure
    assert isinstance(failure, JobFailedError)
    assert "137" in str(failure)


def test_a_stop_ends_the_job():
    process = python(BUSY)
    number = told(process)
    with pytest.raises(StoppedError):
        wait(process, stop=lambda: True)
    assert gone(number)


def test_a_job_that_ignores_the_request_to_end_is_killed():
    process = python(STUBBORN, grace=0.2)
    number = told(process)
    with pytest.raises(StoppedError):
        wait(process, stop=lambda: True)
    assert gone(number)


def test_a_job_that_takes_too_long_is_ended():
    process = python(BUSY)
    number = told(process)
    with pytest.raises(DeadlineExceededError, match=r"at most 0\.5 seconds"):
        wait(process, timeout=0.5)
    assert gone(number)


def test_what_a_job_left_running_ends_with_it():
    process = python(
        "import subprocess, sys;"
        f"left = subprocess.Popen([sys.executable, '-c', {BUSY!r}], stdout=subprocess.PIPE, text=True);"
        "print(left.stdout.readline())"
    )
    number = told(process)
    wait(process)
    assert gone(number)


@pytest.mark.parametrize("code", [BUSY, STUBBORN])
def test_a_job_dies_with_a_starter_that_was_killed(code):
    with subprocess.Popen([sys.executable, "-c", STARTER, code], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        number = int(starter.stdout.readline())
        starter.send_signal(signal.SIGKILL)
    assert gone(number)


def test_a_look_that_fails_does_not_end_the_job():
    class Throttled:
        log = None
        answers = (RetryableError("slow down"), None, RetryableError("slow down"), Ending())

        def look(self):
            answer, *self.answers = self.answers
            if isinstance(answer, Exception):
                raise answer
            return answer

        def stop(self):
            raise AssertionError

    assert wait(Throttled()) == Ending()


def test_a_launcher_adds_a_jobs_arguments_and_variables(caplog):
    caplog.set_level(logging.INFO)
    code = "import os, sys; print(sys.argv[1:], os.environ['FINKS_RUN_ID'], os.environ['TZ'])"
    launcher = ProcessLauncher([sys.executable, "-c", code], {"TZ": "UTC"})
    process = launcher.start(Job("run-1-gold", ("--date", "2026-01-01"), {"FINKS_RUN_ID": "run-1"}))
    assert wait(process) == Ending()
    assert "run-1-gold: ['--date', '2026-01-01'] run-1 UTC" in caplog.text
