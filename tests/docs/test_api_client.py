"""The snippets of the client's page, run against the demo's lake."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from finks.lake import Lake
from finks.loopback import LoopbackServer
from finks_api.app import create_app
from finks_api.backends.duckdb import DuckDbBackend
from finks_api.keys.edit import add_key
from finks_api.keys.place import key_place
from finks_api.keys.store import DocumentKeys
from finks_api.settings import ApiSettings


def now() -> datetime:
    return datetime.now(UTC)


@pytest.mark.slow
@pytest.mark.xdist_group("demo")
def test_the_snippets_of_the_clients_page_run(repository, demo, tmp_path, monkeypatch):
    place = key_place(tmp_path / "keys.json")
    key = add_key(place, name="a reader", now=now())[0]
    backend = DuckDbBackend(Lake.open(demo[0] / "finks-demo" / "lake"))
    app = create_app(backend, DocumentKeys(place, clock=now), ApiSettings(), limiter=None)
    server = LoopbackServer(app, "the API")
    server.start()
    monkeypatch.setenv("API_URL", server.url)
    monkeypatch.setenv("API_KEY", key)
    snippets = re.findall(r"```python\n(.*?)```", (repository / "docs/api-client.md").read_text(), re.DOTALL)
    assert snippets
    try:
        exec(compile("".join(snippets), "api-client.md", "exec", dont_inherit=True), {})
    finally:
        server.stop()
