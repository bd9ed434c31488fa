"""The package of the Lambda function: small enough, the same every time, whole, and the same answers as on a laptop."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import anyio
import httpx
import pyarrow as pa
import pytest
from finks.lake import Lake
from finks_api.app import create_app, utc_now
from finks_api.aws.package import UNZIPPED_LIMIT, Package, Target, build, isolated, write_zip
from finks_api.backends.duckdb import DuckDbBackend
from finks_api.keys.edit import add_key
from finks_api.keys.place import key_place
from finks_api.keys.store import DocumentKeys
from finks_api.records import SECURITY
from finks_api.settings import ApiSettings

pytestmark = [pytest.mark.aws, pytest.mark.slow, pytest.mark.xdist_group("lambda")]

SECRET = "s" * 32
HERE = Target(f"{sys.version_info.major}.{sys.version_info.minor}")
SECURITIES = pa.table(
    [["ACME", "Ölwerk"], ["Acme, \"A\"", None], ["USD", "EUR"], ["NYSE", None], [2, 0], [date(2024, 1, 2), None],
     [date(2024, 1, 3), None]],
    schema=SECURITY.arrow,
)  # fmt: skip
ANSWER = """
import json
from pathlib import Path
from finks_api.aws.handler import handler
events = json.loads(Path("events.json").read_text())
Path("answers.json").write_text(json.dumps([handler(event, None) for event in events]))
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Package:
    return build(repository, tmp_path_factory.mktemp("zip") / "finks-api.zip", HERE)


@pytest.fixture(scope="module")
def content(built: Package) -> Path:
    """What Lambda unzips."""
    folder = built.path.with_name("content")
    with zipfile.ZipFile(built.path) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def lake(new_lake) -> Lake:
    made = Lake.open(new_lake().place(), create=True)
    made.publish({"dim_security": SECURITIES}, run_id="run-1")
    return made


@pytest.fixture
def settings(lake: Lake) -> ApiSettings:
    return ApiSettings(keys=f"{lake.place.address}/keys.json", secret=SECRET, wait=60)


@pytest.fixture
def key(settings: ApiSettings) -> str:
    return add_key(key_place(settings.key_document), name="test", now=datetime.now(UTC))[0]


def event(path: str, key: str | None, **query: str) -> dict:
    """A proxy event of API Gateway REST (API Gateway Developer Guide, Lambda proxy integration), stage `prod`."""
    headers = {"Accept": "*/*", "Host": "abc.execute-api.us-east-1.amazonaws.com", "X-Forwarded-Proto": "https"}
    if key is not None:
        headers["x-api-key"] = key
    return {
        "resource": "/{proxy+}", "path": path, "httpMethod": "GET", "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": query or None,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()} or None,
        "pathParameters": {"proxy": path[1:]}, "stageVariables": None, "body": None, "isBase64Encoded": False,
        "requestContext": {
            "stage": "prod", "path": f"/prod{path}", "httpMethod": "GET", "identity": {"sourceIp": "127.0.0.1"},
        },
    }  # fmt: skip


def answers(content: Path, folder: Path, settings: ApiSettings, lake: Lake, aws, events: list[dict]) -> list[dict]:
    """What the unzipped package answers in a Python that has nothing else but boto3."""
    (folder / "events.json").write_text(json.dumps(events))
    environment = {
        **aws.environment,
        "AWS_LAMBDA_FUNCTION_NAME": "finks-api",
        "FINKS_LAKE__PATH": lake.place.address,
        "FINKS_API__KEYS": str(settings.keys),
        "FINKS_API__SECRET": SECRET,
        "FINKS_API__WAIT": "60",
    }
    done = subprocess.run(isolated(content, ANSWER), env=environment, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "answers.json").read_text())


def body(answer: dict) -> bytes:
    return base64.b64decode(answer["body"]) if answer["isBase64Encoded"] else answer["body"].encode()


def test_the_package_fits_into_lambda(built):
    assert built.unzipped < UNZIPPED_LIMIT
    assert built.unzipped < 190 * 2**20  # what it is, and some growth
    assert built.zipped < 70 * 2**20


def test_the_package_has_no_module_that_lambda_does_not_need(content):
    names = {path.name for path in content.iterdir()}
    assert names.isdisjoint({"polars", "duckdb", "pandas", "numpy", "boto3", "botocore", "sqlalchemy", "bin"})


def test_the_same_content_makes_the_same_bytes(built, content, tmp_path):
    write_zip(content, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == built.path.read_bytes()


def test_the_package_answers_as_the_local_server_does(content, tmp_path, settings, lake, aws, key):
    asked = [
        ("/v1/securities", {}),
        ("/v1/securities", {"limit": "1"}),
        ("/v1/securities", {"format": "csv"}),
        ("/v1/securities", {"format": "ndjson"}),
        ("/v1/securities", {"format": "arrow"}),
        ("/v1/securities/ACME", {}),
        ("/v1/securities/none", {}),
        ("/v1/securities", {"nonsense": "1"}),
    ]
    found = answers(content, tmp_path, settings, lake, aws, [event(path, key, **query) for path, query in asked])
    keys = DocumentKeys(key_place(settings.key_document), clock=utc_now)
    app = create_app(DuckDbBackend(lake), keys, settings, limiter=None)
    local = anyio.run(ask_locally, app, key, asked)
    assert [(each["statusCode"], body(each)) for each in found] == [(each.status_code, each.content) for each in local]
    assert [each["headers"].get("etag") for each in found] == [each.headers.get("etag") for each in local]
    assert [each["statusCode"] for each in found] == [200, 200, 200, 200, 200, 200, 404, 400]


async def ask_locally(app, key: str, asked: list) -> list[httpx.Response]:
    headers = {"x-api-key": key, "accept-encoding": "identity"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://local", headers=headers
    ) as client:
        return [await client.get(path, params=query) for path, query in asked]


def test_health_needs_no_key_and_everything_else_does(content, tmp_path, settings, lake, aws, key):
    events = [event("/v1/health", None), event("/v1/version", None), event("/v1/version", "wrong")]
    healthy, without, wrong = answers(content, tmp_path, settings, lake, aws, events)
    assert (healthy["statusCode"], json.loads(body(healthy))["release"]) == (200, 1)
    assert (without["statusCode"], body(without)) == (403, body(wrong))
