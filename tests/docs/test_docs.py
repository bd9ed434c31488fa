"""Documentation is executed or it is wrong."""

from __future__ import annotations

import re
import tomllib
from typing import get_args

import pytest
import typer.main
from finks import errors
from finks.cli.main import command_line
from finks.notify import Kind
from finks.plugins import list_plugins, load_plugin
from finks.run.settings import Settings
from finks.source.protocol import SourceConfig


def leaves(model, prefix: str = "") -> list[str]:
    names = []
    for name, field in model.model_fields.items():
        nested = field.annotation if hasattr(field.annotation, "model_fields") else None
        names += leaves(nested, f"{prefix}{name}.") if nested else [f"{prefix}{name}"]
    return names


def test_every_setting_is_documented(repository):
    page = (repository / "docs/settings.md").read_text()
    names = [n if n != "sources" else "sources.<name>" for n in leaves(Settings)]
    names += leaves(SourceConfig, "sources.<name>.")
    for notifier in (each for each in list_plugins() if each.kind == "notifier" and each.package == "finks-core"):
        own = leaves(load_plugin("notifier", notifier.name).Config, f"alerts.notifiers.{notifier.name}.")
        names += [name for name in own if not name.endswith(".severity")]
    assert [n for n in names if f"`{n}`" not in page] == []


def test_every_command_is_documented(repository):
    page = (repository / "docs/commands.md").read_text()
    group = typer.main.get_command(command_line())
    names = []
    for name, command in group.commands.items():
        names += [f"{name} {sub}" for sub in getattr(command, "commands", {})] or [name]
    assert [n for n in names if f"`finks {n}" not in page] == []


def test_every_kind_of_alert_has_its_place_in_the_runbook(repository):
    page = (repository / "docs/runbook.md").read_text()
    anchors = [kind.replace("_", "-") for kind in get_args(Kind)]
    assert [anchor for anchor in anchors if f"\n## {anchor}\n" not in page] == []


def test_every_exit_code_is_documented(repository):
    page = (repository / "docs/commands.md").read_text()
    codes = {c.exit_code for c in vars(errors).values() if isinstance(c, type) and issubclass(c, errors.FinksError)}
    assert [c for c in sorted(codes) if f"\n| {c} |" not in page] == []


def test_every_error_stands_in_the_drawn_tree():
    classes = [n for n, c in vars(errors).items() if isinstance(c, type) and issubclass(c, Exception)]
    assert [n for n in classes if n not in (errors.__doc__ or "")] == []


def test_every_dependency_has_its_reason(repository):
    page = (repository / "docs/dependencies.md").read_text().lower()
    named: set[str] = set()
    for file in [repository / "pyproject.toml", *repository.glob("packages/*/pyproject.toml")]:
        parsed = tomllib.loads(file.read_text())
        project = parsed["project"]
        groups = [*project.get("optional-dependencies", {}).values(), *parsed.get("dependency-groups", {}).values()]
        listed = [*project["dependencies"], *(item for group in groups for item in group if isinstance(item, str))]
        named |= {re.split(r"[^A-Za-z0-9-]", item)[0].lower() for item in listed}
    assert [name for name in sorted(named) if name not in page and not name.startswith("finks")] == []


def test_every_link_and_path_in_the_documents_exists(repository):
    missing = []
    for page in [repository / "README.md", repository / "CONTRIBUTING.md", *repository.glob("docs/**/*.md")]:
        text = page.read_text()
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
            if not (page.parent / target).exists():
                missing.append((page.name, target))
        for target in re.findall(r"`((?:docs|packages|tests|bench|dbt|examples)/[\w./-]*)`", text):
            if not (repository / target).exists():
                missing.append((page.name, target))
    assert missing == []


@pytest.mark.slow
@pytest.mark.xdist_group("demo")
def test_the_readme_snippets_run_on_the_demo_lake(repository, demo, monkeypatch):
    folder, *_ = demo
    monkeypatch.chdir(folder)
    snippets = re.findall(r"```python\n(.*?)```", (repository / "README.md").read_text(), re.DOTALL)
    assert snippets
    for snippet in snippets:
        exec(compile(snippet, "README.md", "exec", dont_inherit=True), {})
