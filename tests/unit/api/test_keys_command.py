"""`finks keys`: a key is printed once, and never again."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from finks.errors import ConfigurationError
from finks_api.keys.commands import app
from finks_api.keys.place import KeyFile
from finks_api.keys.store import DocumentKeys
from typer.testing import CliRunner, Result


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, empty."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def keys(*words: str) -> Result:
    return CliRunner().invoke(app, words)


def test_a_key_is_shown_once_and_stands_nowhere(tmp_path, finks_command):
    made = finks_command("keys", "create", "--name", "Ann", "--dataset", "bars", "--portfolio", "P1", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    key = made.stdout.strip()
    listed = finks_command("keys", "list", cwd=tmp_path)
    written = "".join(file.read_text() for file in tmp_path.iterdir())
    assert key.startswith("finks")
    assert [text for text in (made.stderr, listed.stdout, listed.stderr, written) if key[5:25] in text] == []
    assert [part for part in ("Ann", "standard", "bars", "P1", "valid") if part not in listed.stdout] == []


def test_a_key_of_the_command_works_until_it_is_revoked(folder):
    key = keys("create", "--name", "Ann").stdout.strip()

    def grant():
        store = DocumentKeys(KeyFile(folder / "api-keys.json"), clock=lambda: datetime.now(UTC))
        return asyncio.run(store.find(key))

    assert grant().key_id in keys("list").stdout
    revoked = keys("revoke", grant().key_id)
    assert grant() is None
    assert "revoked" in keys("list").stdout
    assert key not in revoked.output


def test_neither_a_key_nor_its_digest_is_listed_as_json(folder):
    key = keys("create", "--name", "Ann").stdout.strip()
    shown = keys("list", "--json").stdout
    [kept] = json.loads((folder / "api-keys.json").read_text())["keys"]
    [said] = json.loads(shown)["keys"]
    assert said == {name: value for name, value in kept.items() if name != "sha256"}
    assert key not in shown


def test_a_plan_of_the_command_is_one_of_keys(folder):
    assert keys("plan", "fast", "--rate", "100", "--burst", "200").exit_code == 0
    assert keys("create", "--name", "Ann", "--plan", "fast").exit_code == 0
    assert "100 requests a second, 200 at once, no limit a day" in keys("list").stdout


def test_the_document_lies_beside_the_settings(folder):
    (folder / "there").mkdir()
    (folder / "there" / "finks.toml").write_text('[api]\nkeys = "k.json"\n')
    keys("create", "--name", "Ann", "--config", "there")
    assert (folder / "there" / "k.json").exists()


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [
        ("--plan", "nope", "plan"),
        ("--dataset", "barz", "datasets"),
        ("--expires", "tomorrow", "--expires"),
        ("--expires", "2020-01-01", "a time to come"),
        ("--expires", "2099-01-01T00:00:00", "a zone"),
    ],
)
def test_a_wrong_option_is_named_and_makes_nothing(folder, option, value, named):
    done = keys("create", "--name", "Ann", option, value)
    assert isinstance(done.exception, ConfigurationError)
    assert named in str(done.exception)
    assert list(folder.iterdir()) == []


def test_the_command_imports_no_web_framework():
    heavy = ("fastapi", "starlette", "uvicorn", "boto3")
    code = f"import sys, finks_api.keys.commands; print([n for n in {heavy!r} if n in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
