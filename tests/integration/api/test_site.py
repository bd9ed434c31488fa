"""The documentation as it is served, read by a browser that reaches nothing else."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest
from finks.loopback import LoopbackServer
from finks_api.app import create_app, utc_now
from finks_api.keys.edit import add_key
from finks_api.keys.place import key_place
from finks_api.keys.store import DocumentKeys
from finks_api.openapi.describe import NothingPublished, api_document
from finks_api.settings import ApiSettings

CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """The address of the API over a lake in which nothing was published."""
    place = key_place(tmp_path_factory.mktemp("keys") / "keys.json")
    add_key(place, name="reader", now=utc_now())
    app = create_app(NothingPublished(), DocumentKeys(place, clock=utc_now), ApiSettings(), limiter=None)
    server = LoopbackServer(app, "api")
    server.start()
    yield server.url
    server.stop()


@pytest.fixture
def browse(service, tmp_path: Path):
    """Open an address in Chromium: what is shown, and what it said."""

    def opened(path: str) -> tuple[str, str]:
        done = subprocess.run(
            [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}",
             "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--enable-logging=stderr",
             "--dump-dom", service + path],
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        return done.stdout, done.stderr

    return opened


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is absent")
def test_a_browser_shows_every_operation(browse):
    shown, said = browse("/")
    for path, item in api_document()["paths"].items():
        assert f'<section id="{item["get"]["operationId"]}"' in shown
        assert path.partition("{")[0] in shown
    assert "Content Security Policy" not in said


def test_a_browser_loads_nothing_but_the_style_sheet(service):
    policy = httpx.get(f"{service}/docs").headers["content-security-policy"].split("; ")
    assert {each for each in policy if "-src" in each} == {"default-src 'none'", "style-src 'self'"}


@pytest.mark.parametrize(
    ("path", "media_type"),
    [("/docs", "text/html; charset=utf-8"), ("/docs/style.css", "text/css; charset=utf-8"),
     ("/openapi.json", "application/json")],
)  # fmt: skip
def test_the_documentation_needs_no_key(service, path, media_type):
    answer = httpx.get(service + path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)


def test_the_document_that_is_served_is_the_one_that_is_checked_in(service, repository):
    checked_in = repository / "packages" / "finks-api" / "openapi" / "openapi.json"
    assert httpx.get(f"{service}/openapi.json").json() == json.loads(checked_in.read_bytes())


def test_everything_else_needs_one(service):
    assert httpx.get(f"{service}/docs/other").status_code == 403
