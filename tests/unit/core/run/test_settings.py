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


def test_the_environment_wins_over_dotenv_and_that_over_the_file(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("FINKS_RUN__CONCURRENCY=4\nFINKS_RUN__BATCH_SLICES=5\n")
    monkeypatch.setenv("FINKS_RUN__CONCURRENCY", "6")
    run = load_settings(write(tmp_path, "[run]\nconcurrency = 3\nbatch_slices = 3\nmax_rejected = 0.5\n")).run
    assert (run.concurrency, run.batch_slices, run.max_rejected) == (6, 5, 0.5)


def test_foreign_lines_in_dotenv_do_not_count(tmp_path):
    (tmp_path / ".env").write_text("DATABASE_URL=postgres://x\nlake=foo\nexport PATH_TO=1\nnot a line\n")
    assert load_settings(write(tmp_path, "")).lake.path == tmp_path / "lake"


@pytest.mark.parametrize("name", ["FINKS_LAKE", "FINKS_SOURCES"])
def test_a_section_that_is_not_json_names_its_variable_without_the_value(tmp_path, monkeypatch, name):
    monkeypatch.setenv(name, "canary-secret")
    with pytest.raises(ConfigurationError) as error:
        load_settings(write(tmp_path, ""))
    assert error.value.where == f"the environment, {name}"
    assert "canary-secret" not in str(error.value)


@pytest.mark.parametrize("line", ["FINKS_RUN__CONCURRENCY=none", "FINKS_RUM=1", "FINKS_GOLD=foo"])
def test_an_error_in_dotenv_names_dotenv_and_the_variable(tmp_path, line):
    (tmp_path / ".env").write_text(line)
    with pytest.raises(ConfigurationError) as error:
        load_settings(write(tmp_path, "[run]\nconcurrency = 3\n"))
    assert error.value.where == f"{tmp_path / '.env'}, {line.partition('=')[0]}"


def test_an_error_in_the_environment_names_the_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("FINKS_RUN__CONCURRENCY", "none")
    with pytest.raises(ConfigurationError) as error:
        load_settings(write(tmp_path, "[run]\nconcurrency = 3\n"))
    assert error.value.where == "the environment, FINKS_RUN__CONCURRENCY"


def test_a_dotenv_file_that_is_not_text_is_named(tmp_path):
    (tmp_path / ".env").write_bytes(b"FINKS_RUN__CONCURRENCY=\xff\xfe\n")
    with pytest.raises(ConfigurationError, match="cannot be read") as error:
        load_settings(write(tmp_path, ""))
    assert error.value.where == str(tmp_path / ".env")


def test_an_absurd_logical_date_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="1900-01-01") as error:
        load_settings(write(tmp_path, "[run]\nlogical_date = 0001-01-01\n"))
    assert "key run.logical_date" in str(error.value)


def test_a_setting_of_a_source_is_placed_where_it_was_read(tmp_path, monkeypatch):
    monkeypatch.setenv("FINKS_SOURCES__FMP__PLAN", "x")
    settings = load_settings(write(tmp_path, "[sources.fmp]\nsymbols = []\n"))
    assert settings.place("sources.fmp.plan") == "the environment, FINKS_SOURCES__FMP__PLAN"
    assert settings.place("sources.fmp.symbols") == f"{tmp_path / 'finks.toml'}, key sources.fmp.symbols"


def test_an_address_in_s3_stays_as_it_is(tmp_path):
    lake = load_settings(write(tmp_path, '[lake]\npath = "s3://bucket/lake"\ndatabase_prefix = "x_"')).lake
    assert lake.path == "s3://bucket/lake"
    assert lake.database_prefix == "x_"


def test_a_prefix_that_glue_would_refuse_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match=r"lake\.database_prefix"):
        load_settings(write(tmp_path, '[lake]\npath = "s3://bucket/lake"\ndatabase_prefix = "X-"'))


def test_a_schedule_that_can_never_tick_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match=r"expected: five fields .* Bad day-of-month"):
        load_settings(write(tmp_path, '[schedule]\ncron = "0 0 30 2 *"\n'))


def test_a_time_zone_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match=r"(?s)key schedule\.zone.*IANA"):
        load_settings(write(tmp_path, '[schedule]\nzone = "Mars/Olympus"\n'))
