"""What a mistake looks like on the terminal: an error that says what to do, never a traceback."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest
from finks.cli.runs import parse_date
from finks.errors import ConfigurationError
from finks.lake import BRONZE_SCHEMA, Lake


@pytest.fixture
def folder(tmp_path):
    """A directory with settings and an empty lake."""
    (tmp_path / "finks.toml").write_text('[lake]\npath = "lake"\n')
    Lake.open(tmp_path / "lake", create=True)
    return tmp_path


def refused(done, *words: str, code: int = 2) -> None:
    shown = done.stdout + done.stderr
    assert done.returncode == code, shown
    assert "Traceback" not in shown
    for word in words:
        assert word in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("query", "selct 1"), "syntax error"),
        (("query", ""), "one SELECT statement"),
        (("query", "select * from silver.nope"), "The tables are"),
        (("query", "select 1 as a, 2 as a"), "a name of its own"),
        (("query", "select 1", "--limit", "0"), "--limit"),
        (("quarantine", "show", "nope"), "There is no such table"),
        (("plan", "--date", "0001-01-01"), "--date"),
        (("demo", "finks.toml"), "finks.toml"),
        (("demo", "."), "not the demo's"),
    ],
)
def test_a_mistake_is_an_error_with_exit_code_2(folder, finks_command, arguments, words):
    refused(finks_command(*arguments, cwd=folder), words)


def test_a_wrong_variable_is_named_on_the_terminal(folder, finks_command):
    refused(finks_command("status", cwd=folder, FINKS_LAKE="foo"), "the environment, FINKS_LAKE")


@pytest.mark.parametrize("command", [("status",), ("query", "select 1"), ("doctor",)])
def test_a_damaged_catalog_is_named_by_every_command(folder, finks_command, command):
    for log in (folder / "lake").glob("catalog.db-*"):
        log.unlink()
    (folder / "lake/catalog.db").write_bytes(b"no database" * 1000)
    refused(finks_command(*command, cwd=folder), "catalog.db")


def test_a_lake_path_that_is_a_file_is_refused(tmp_path, finks_command):
    (tmp_path / "lake").write_text("mine")
    refused(finks_command("status", cwd=tmp_path), "a file")


def test_the_known_tables_are_listed_for_an_unknown_one(folder, finks_command):
    Lake.open(folder / "lake").catalog.create_table("bronze.fmp_splits", schema=BRONZE_SCHEMA)
    refused(finks_command("quarantine", "show", "nope", cwd=folder), "fmp_splits")
    assert finks_command("quarantine", "show", "fmp_splits", cwd=folder).returncode == 0


def test_an_unexpected_error_is_one_line_without_secrets_and_the_traceback_is_there_on_demand(folder, finks_command):
    # A directory where the lease's file should be is nothing that finks foresees.
    (folder / "lake/run.lock").mkdir()
    done = finks_command("maintain", cwd=folder)
    refused(done, "IsADirectoryError", "FINKS_TRACEBACK=1", code=70)
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" in finks_command("maintain", cwd=folder, FINKS_TRACEBACK="1").stderr


def test_a_secret_of_the_settings_is_not_shown_by_an_unexpected_error(tmp_path, finks_command):
    secret = "canary-0123456789"
    (tmp_path / "finks.toml").write_text(f'[lake]\npath = "{secret}"\n[sources.fmp]\napi_key = "{secret}"\n')
    Lake.open(tmp_path / secret, create=True)
    (tmp_path / secret / "run.lock").mkdir()
    done = finks_command("maintain", cwd=tmp_path, FINKS_TRACEBACK="1")
    refused_output = done.stdout + done.stderr
    assert done.returncode == 70
    assert "[redacted]" in refused_output
    assert secret not in refused_output


def heed_interrupts() -> None:
    """A shell starts its background jobs deaf to interrupts, and their children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_an_interrupt_ends_a_query_without_a_traceback(folder):
    endless = "select sum(a.range * b.range) from range(10000000) a, range(10000000) b"
    command = [sys.executable, "-c", "from finks.cli.main import main; print('ready', flush=True); main()"]
    with subprocess.Popen(
        [*command, "query", endless],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_interrupts,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        # One that comes while a module is being imported may be lost, as on any Python command line.
        for _ in range(20):
            time.sleep(3)
            if process.poll() is not None:
                break
            process.send_signal(signal.SIGINT)
        process.kill()
        _, shown = process.communicate()
    assert process.returncode in {130, -signal.SIGINT}, shown  # which a shell calls 130 too
    assert "Traceback" not in shown


@pytest.mark.parametrize("text", ["0001-01-01", "1899-12-31", "2024-02-30", "today", ""])
def test_an_absurd_date_is_refused(text):
    with pytest.raises(ConfigurationError, match="1900-01-01"):
        parse_date(text)
