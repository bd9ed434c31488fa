"""The project's SQL is what both engines read alike. Compiled as for Athena, without any connection."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from finks_local.portable import check_project

pytestmark = pytest.mark.slow

ENVIRONMENT = {
    "FINKS_GOLD_ENGINE": "athena",
    "FINKS_ATHENA_RESULTS": "s3://no-bucket/results/",
    "FINKS_ATHENA_TABLES": "s3://no-bucket/tables/",
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "DO_NOT_TRACK": "1",
}


@pytest.fixture(scope="module")
def target(repository, tmp_path_factory) -> Path:
    """The target directory of an offline `dbt compile --target athena`."""
    folder = tmp_path_factory.mktemp("athena")
    project = repository / "dbt"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "dbt.cli.main", "compile", "--no-introspect", "--no-populate-cache"),
            *("--project-dir", project, "--profiles-dir", project),
            *("--target-path", folder, "--log-path", folder / "logs"),
        ],
        env=os.environ | ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_no_model_and_no_test_uses_what_only_one_engine_has(target):
    assert check_project(target / "manifest.json") == {}


def test_every_model_was_looked_at(target, repository):
    compiled = {path.name for path in (target / "compiled/finks/models").rglob("*.sql")}
    assert {path.name for path in (repository / "dbt/models").rglob("*.sql")} <= compiled


def test_the_command_names_file_line_and_construct(target, tmp_path):
    manifest = (target / "manifest.json").read_text()
    broken = tmp_path / "manifest.json"
    broken.write_text(
        manifest.replace("select * from security_returns", "select * from security_returns qualify 1 = 1")
    )
    done = subprocess.run(
        [sys.executable, "-m", "finks_local.portable", broken], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1
    assert "compiled/finks/models/marts/fct_security_return_daily.sql:" in done.stdout
    assert ": qualify: " in done.stdout
