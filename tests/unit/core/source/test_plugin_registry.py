"""Plugins are found by name through entry points, loaded late, and missed with advice.

Each test installs a real distribution (a dist-info folder) in a directory of its own and asks a
fresh interpreter.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ACME = """
from finks.source import BaseSource, SourceConfig
from pydantic import SecretStr
class AcmeConfig(SourceConfig):
    api_key: SecretStr
    depth: int = 1
class Acme(BaseSource):
    name = "acme"
    Config = AcmeConfig
"""

Ask = Callable[[str], str]


def install(site: Path, package: str, name: str, target: str) -> None:
    folder = site / f"{package.replace('-', '_')}-1.2.3.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2.3\n")
    (folder / "entry_points.txt").write_text(f"[finks.sources]\n{name} = {target}\n")


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Run code in a fresh interpreter that sees the packages in `tmp_path`; a `FinksError` is printed."""
    (tmp_path / "acme_plugin.py").write_text(ACME)
    (tmp_path / "broken_plugin.py").write_text("raise RuntimeError('wrong numpy')")
    install(tmp_path, "finks-acme", "acme", "acme_plugin:Acme")
    install(tmp_path, "finks-broken", "broken", "broken_plugin:Broken")

    def run(code: str) -> str:
        lines = "\n".join(f"    {line}" for line in code.splitlines())
        script = (
            "import sys\nfrom finks.plugins import *\nfrom finks.errors import FinksError\n"
            f"try:\n{lines}\nexcept FinksError as error:\n    print(type(error).__name__, error)"
        )
        environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True, timeout=60
        )
        return done.stdout

    return run


def test_plugins_are_listed_with_package_and_version_and_not_imported(ask: Ask):
    printed = ask("print([p for p in list_plugins() if p.name == 'acme'], 'acme_plugin' in sys.modules)")
    assert "name='acme', package='finks-acme', version='1.2.3', target='acme_plugin:Acme'" in printed
    assert printed.endswith("False\n")


def test_a_source_is_built_with_its_settings(ask: Ask):
    assert ask("print(build_source('acme', {'api_key': 'k', 'depth': '3'}).config.depth)") == "3\n"


def test_an_unknown_name_lists_the_known_and_the_nearest(ask: Ask):
    printed = ask("build_source('acmee', {})")
    assert printed.startswith("UnknownPluginError")
    assert "expected: one of acme, broken" in printed
    assert "Did you mean 'acme'?" in printed


def test_a_known_but_absent_plugin_gives_the_install_command(ask: Ask, tmp_path: Path):
    # Only the packages of this test are in sight, so the project's own connectors are absent.
    printed = ask(f"sys.path[:] = [{str(tmp_path)!r}]\nbuild_source('fmp', {{}})")
    assert printed.startswith("MissingExtraError")
    assert "pip install finks-connectors" in printed


def test_a_plugin_that_fails_to_import_names_its_package(ask: Ask):
    printed = ask("build_source('broken', {})")
    assert printed.startswith("ConfigurationError")
    assert "package finks-broken 1.2.3, broken_plugin:Broken" in printed
    assert "RuntimeError: wrong numpy" in printed


def test_two_packages_with_one_name_are_refused(ask: Ask, tmp_path: Path):
    install(tmp_path, "finks-other", "acme", "broken_plugin:Broken")
    assert "finks-acme and finks-other" in ask("list_plugins()")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"api_key": "canary-key", "depth": "canary-depth"}, "where: sources.acme.depth"),
        ({"api_key": "canary-key", "dept": "canary-depth"}, "where: sources.acme.dept"),
        ({}, "where: sources.acme.api_key"),
    ],
    ids=["wrong", "unknown", "missing"],
)
def test_a_bad_setting_is_named_and_no_value_is_shown(ask: Ask, settings, expected):
    printed = ask(f"build_source('acme', {settings!r})")
    assert printed.startswith("ConfigurationError")
    assert expected in printed
    assert "canary" not in printed
