"""What the page on the Data API says is what the code has."""

from __future__ import annotations

from finks_api.openapi.describe import api_document
from finks_api.problems import CATALOGUE


def test_every_problem_is_described(repository):
    text = (repository / "docs/api.md").read_text()
    assert [f"| `{slug}` | {kind.status} | {kind.title} {kind.help} |" in text for slug, kind in CATALOGUE.items()] == [
        True
    ] * len(CATALOGUE)


def test_every_route_is_listed(repository):
    text = (repository / "docs/api.md").read_text().replace("`…/", "`/v1/securities/{symbol}/")
    assert [path for path in api_document()["paths"] if f"`{path}`" not in text] == []
