"""The package's README is executed, and its settings and tables are those of the code."""

from __future__ import annotations

import re
import tomllib
from datetime import date

import pytest
from finks.plugins import build_source
from finks.source.protocol import SourceConfig
from finks_connectors.files import Files, FilesConfig
from finks_connectors.fmp import FmpConfig
from finks_connectors.fmp.streams import streams


@pytest.fixture(scope="module")
def readme(repository) -> str:
    return (repository / "packages/finks-connectors/README.md").read_text(encoding="utf-8")


def test_the_python_of_the_readme_runs(readme):
    snippets = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert snippets
    for snippet in snippets:
        exec(compile(snippet, "README.md", "exec"), {})


def test_the_settings_of_the_readme_are_accepted(readme):
    for text in re.findall(r"```toml\n(.*?)```", readme, re.DOTALL):
        for name, settings in tomllib.loads(text)["sources"].items():
            key = {"api_key": "k"} if name == "fmp" else {}
            assert build_source(name, settings | key).streams()


def test_every_fmp_setting_is_in_the_readme(readme):
    names = FmpConfig.model_fields.keys() - SourceConfig.model_fields.keys()
    assert [name for name in names if f"`sources.fmp.{name}`" not in readme] == []


def test_every_table_and_every_column_of_the_files_is_in_the_readme(readme):
    files = Files(FilesConfig(transactions="t.csv", portfolios="p.csv")).streams()
    tables = [f"fmp_{stream.name}" for stream in streams([], [], date(2000, 1, 1))]
    tables += [f"files_{stream.name}" for stream in files]
    columns = [spec.name for stream in files for spec in stream.contract.compiled().fields]
    assert [name for name in tables + columns if f"`{name}`" not in readme] == []
