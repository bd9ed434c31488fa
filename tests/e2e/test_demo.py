"""What the README promises: the demo, again, and then the commands and the notebook on its lake."""

from __future__ import annotations

import json

import nbformat
import pytest
from nbclient import NotebookClient

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("demo")]


def test_the_demo_ends_well_and_prints_two_portfolios_with_progress_and_report(demo):
    _, first, _ = demo
    assert first.returncode == 0, first.stdout + first.stderr
    assert "Bronze: fmp_daily_bars" in first.stderr
    assert "daily_portfolio_summary" in first.stdout
    assert "succeeded (exit code 0)" in first.stdout


def test_the_second_demo_fetches_nothing_adds_nothing_and_says_so(demo):
    _, _, second = demo
    assert second.returncode == 0
    assert "Fetched 2 responses" in second.stdout, "the two files, which are read on every run"
    assert "2 of them unchanged; 22 keys had nothing to fetch." in second.stdout
    assert "No Silver row was added." in second.stdout
    assert "Gold: unchanged; release 1 is served." in second.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("status", "-c", "finks-demo"), "Gold release 1 is served."),
        (("plan", "-c", "finks-demo"), "22 keys have nothing to fetch"),
        (("query", "select count(*) as n from silver.fmp_splits", "-c", "finks-demo"), "3"),
        (("quarantine", "show", "fmp_daily_bars", "-c", "finks-demo"), "Open rejects in fmp_daily_bars"),
        (("maintain", "-c", "finks-demo"), "files"),
        (("connectors", "list"), "fmp"),
        (("doctor", "-c", "finks-demo"), "source fmp"),
    ],
)
def test_a_documented_command_works_on_the_demo_lake(demo, finks_command, arguments, words):
    folder, *_ = demo
    done = finks_command(*arguments, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert words in done.stdout


def test_status_as_json_names_the_served_release(demo, finks_command):
    folder, *_ = demo
    assert json.loads(finks_command("status", "--json", "-c", "finks-demo", cwd=folder).stdout)["served_release"] == 1


def test_the_run_report_is_kept_as_json(demo):
    folder, *_ = demo
    reports = sorted((folder / "finks-demo/lake/runs").glob("*.json"))
    assert [json.loads(r.read_text())["exit_code"] for r in reports] == [0, 0]


def test_the_notebook_runs_on_the_demo_lake(demo, repository, monkeypatch):
    folder, *_ = demo
    monkeypatch.setenv("FINKS_EXAMPLE_LAKE", str(folder / "finks-demo/lake"))
    notebook = nbformat.read(repository / "examples/first-look.ipynb", as_version=4)
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()


def test_a_command_without_a_lake_says_what_to_run(tmp_path, finks_command):
    done = finks_command("status", cwd=tmp_path)
    assert done.returncode == 2
    assert "hint" in done.stderr
