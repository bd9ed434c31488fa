from __future__ import annotations

from datetime import date

import pytest
from finks.errors import ConfigurationError
from finks.run.settings import load_settings


def write(folder, text):
    (folder / "finks.toml").write_text(text)
    return folder


def test_paths_resolve_against_the_settings_file(tmp_path):
    settings = load_settings(write(tmp_path, '[lake]\npath = "data/lake"\n[sources.files]\n'))
    assert settings.lake.path == tmp_path / "data/lake"
    assert settings.sources["files"]["root"] == tmp_path


def test_the_environment_wins_over_the_file(tmp_path, monkeypatch):
    monkeypatch.setenv("FINKS_RUN__LOGICAL_DATE", "2024-01-02")
    settings = load_settings(write(tmp_path, "[run]\nlogical_date = 2020-01-01\nconcurrency = 3\n"))
    assert settings.run.logical_date == date(2024, 1, 2)
    assert settings.run.concurrency == 3


def test_a_key_from_the_environment_reaches_its_source(tmp_path, monkeypatch):
    monkeypatch.setenv("FINKS_SOURCES__FMP__API_KEY", "k")
    settings = load_settings(write(tmp_path, '[sources.fmp]\nsymbols = ["AAPL"]\n'))
    assert settings.sources["fmp"]["api_key"] == "k"
    assert settings.sources["fmp"]["symbols"] == ["AAPL"]


@pytest.mark.parametrize(
    ("text", "key"),
    [("[lake]\npth = 1\n", "lake.pth"), ("[run]\nconcurrency = 0\n", "run.concurrency"), ("[rum]\n", "rum")],
)
def test_a_bad_setting_names_the_file_and_the_key(tmp_path, text, key):
    with pytest.raises(ConfigurationError) as error:
        load_settings(write(tmp_path, text))
    assert str(tmp_path / "finks.toml") in str(error.value)
    assert f"key {key}" in str(error.value)


def test_a_secret_in_a_bad_setting_is_not_repeated(tmp_path, monkeypatch):
    monkeypatch.setenv("FINKS_RUN__CONCURRENCY", "canary-secret")
    with pytest.raises(ConfigurationError) as error:
        load_settings(write(tmp_path, ""))
    assert "canary-secret" not in str(error.value)


def test_a_file_that_is_not_toml_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match="not valid TOML"):
        load_settings(write(tmp_path, "lake ="))
