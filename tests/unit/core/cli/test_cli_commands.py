"""What the commands say on the terminal when all is well."""

from __future__ import annotations

import pytest
import typer.main
from finks.cli.main import command_line
from finks.lake import Lake


@pytest.fixture
def vendor_settings(tmp_path):
    """A directory with the settings of a source that is never called, and no lake."""
    (tmp_path / "t.csv").write_text("portfolio_id\n")
    (tmp_path / "finks.toml").write_text('[sources.files]\ntransactions = "t.csv"\n')
    return tmp_path


def test_a_plan_makes_no_lake(vendor_settings, finks_command):
    before = sorted(vendor_settings.iterdir())
    done = finks_command("plan", cwd=vendor_settings)
    assert done.returncode == 0, done.stderr
    assert "1 calls" in done.stdout
    assert sorted(vendor_settings.iterdir()) == before


def test_status_of_a_lake_without_a_run_says_what_to_do(tmp_path, finks_command):
    Lake.open(tmp_path / "lake", create=True)
    done = finks_command("status", cwd=tmp_path)
    assert done.returncode == 0
    assert "`finks run`" in done.stdout


def test_doctor_names_every_source_that_is_wrong_and_where_it_is_set(tmp_path, finks_command):
    (tmp_path / "finks.toml").write_text("[sources.files]\nnope = 1\n[sources.nope]\n[sources.fmp]\nsymbols = 3\n")
    done = finks_command("doctor", cwd=tmp_path)
    assert done.returncode == 2
    lines = done.stdout.splitlines()
    assert "settings: read" in lines
    for name, key in (("files", "files.nope"), ("nope", "nope"), ("fmp", "fmp.")):
        assert any(line.startswith(f"source {name}: ") for line in lines), done.stdout
        assert f"finks.toml, key sources.{key}" in done.stdout, done.stdout
    assert any(line.startswith("lake: There is no lake here.") for line in lines)


def test_the_error_of_a_source_setting_names_the_file(tmp_path, finks_command):
    (tmp_path / "other.toml").write_text("[sources.files]\nnope = 1\n")
    done = finks_command("plan", "-c", "other.toml", cwd=tmp_path)
    assert done.returncode == 2
    assert "other.toml, key sources.files.nope" in done.stderr


def test_every_help_text_is_a_whole_sentence():
    wrong = []
    commands = dict(typer.main.get_command(command_line()).commands)
    for name, group in list(commands.items()):
        commands |= {f"{name} {sub}": command for sub, command in getattr(group, "commands", {}).items()}
    for name, command in commands.items():
        texts = [command.help, *(p.help for p in command.params if getattr(p, "help", None))]
        wrong += [(name, text) for text in texts if not text or not text[0].isupper() or text.strip()[-1] != "."]
    assert wrong == []


def test_doctor_says_which_days_count_and_when_the_schedule_ticks(vendor_settings, finks_command):
    with (vendor_settings / "finks.toml").open("a") as file:
        file.write('[schedule]\ncalendar = "XNYS"\ncron = "0 12 * * *"\nzone = "UTC"\n')
    told = finks_command("doctor", cwd=vendor_settings).stdout
    assert "schedule: sessions of XNYS, the newest " in told
    assert "12:00 UTC" in told
    wrong = finks_command("doctor", cwd=vendor_settings, FINKS_SCHEDULE__CALENDAR="XNYX")
    assert "Did you mean XNYS?" in wrong.stdout
    assert wrong.returncode == 2
