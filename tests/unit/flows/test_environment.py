"""The variables that finks sets for Prefect mean something to the Prefect that is installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from finks_flows import environment


def everything() -> dict[str, str]:
    server = environment.server(database="postgresql+asyncpg://u:p@h/d", address="http://127.0.0.1:4200", auth="u:p")
    return server | environment.runs(api="http://127.0.0.1:4200/api", auth="u:p", results=Path("/results"))


def in_prefect(code: str, **variables: str) -> str:
    inherited = environment.inherited()
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**inherited, **variables},
        text=True,
        capture_output=True,
        check=True,
        timeout=120,
    ).stdout


@pytest.mark.slow
def test_every_variable_is_one_that_prefect_reads():
    code = (
        "import json, sys; from prefect.settings import Settings; from prefect.settings.legacy import "
        "_get_valid_setting_names as names; print(json.dumps(sorted(names(Settings))))"
    )
    known = {name.upper() for name in json.loads(in_prefect(code, **everything()))}
    assert [name for name in everything() if name.startswith("PREFECT_") and name not in known] == []


@pytest.mark.slow
def test_a_log_line_is_json_with_what_was_said_beside_it(tmp_path):
    code = (
        "import logging; from prefect.logging.configuration import setup_logging; setup_logging(); "
        "logging.getLogger('prefect.server').warning('one %s', 'thing', extra={'run_id': 'r1'})"
    )
    inherited = environment.inherited() | environment.CLIENT | {"PREFECT_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=inherited, capture_output=True, text=True, check=True, timeout=120
    )
    (line,) = [json.loads(line) for line in done.stderr.splitlines() if "thing" in line]
    assert (line["event"], line["run_id"], line["level"]) == ("one thing", "r1", "warning")


def test_a_variable_of_the_users_own_prefect_leads_nowhere(monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", "https://elsewhere.example/api")
    monkeypatch.setenv("FINKS_RUN__CONCURRENCY", "3")
    assert "PREFECT_API_URL" not in environment.inherited()
    assert environment.inherited()["FINKS_RUN__CONCURRENCY"] == "3"
    assert os.environ["PREFECT_API_URL"]
