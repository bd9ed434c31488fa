"""The API as a function behind API Gateway REST answers as the server on one machine, byte for byte."""

from __future__ import annotations

import io
import os
import sys
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

import boto3
import httpx
import pytest
from finks.lake import Lake
from finks.loopback import LoopbackServer
from finks_api.app import create_app, utc_now
from finks_api.backends.duckdb import DuckDbBackend
from finks_api.keys.edit import add_key
from finks_api.keys.limiter import Limiter
from finks_api.keys.place import key_place
from finks_api.keys.store import DocumentKeys
from finks_api.openapi.describe import api_document
from finks_api.openapi.gateway import gateway_document, with_function
from finks_api.problems import Problem
from finks_api.settings import ApiSettings
from finks_local.rest_api import import_rest_api

from tests.integration.api.small_lake import SmallLake

pytestmark = [pytest.mark.aws, pytest.mark.slow]

SECRET = "a secret of forty characters, for the tests"
STAGE = "prod"
ROLE = "arn:aws:iam::000000000000:role/finks-api"
# The local Lambda runs the code on the emulator's interpreter, which has none of our packages.
HANDLER = """
import os, sys
sys.path[:0] = os.environ["PACKAGES"].split(os.pathsep)
from finks_api.aws.handler import handler
"""
SUMMARY = "/v1/portfolios/alpha/summary"
ANSWERS = [
    "/v1/portfolios",
    SUMMARY,
    f"{SUMMARY}?start=2020-01-02&end=2020-01-05",
    f"{SUMMARY}?format=csv",
    f"{SUMMARY}?format=ndjson",
    f"{SUMMARY}?format=arrow",
    "/v1/portfolios/o'hara%3B%20drop%20table/summary",
    "/v1/portfolios/alpha/positions?date=2020-01-03",
    "/v1/portfolios/alpha/transactions",
    "/v1/securities",
    "/v1/securities/AAPL",
    "/v1/securities/AAPL/bars?limit=3",
    "/v1/securities/AAPL/dividends",
    "/v1/securities/AAPL/splits",
    "/v1/datasets",
    "/v1/datasets/bars",
    "/v1/health",
]
REFUSALS = [
    "/v1/portfolios/nobody/summary",
    "/v1/nothing",
    f"{SUMMARY}/",
    f"{SUMMARY}?strat=2020-01-01",
    f"{SUMMARY}?limit=0",
    f"{SUMMARY}?start=2020-01-01&start=2020-01-02",
    f"{SUMMARY}?as_of=2020-01-01T00:00:00Z",
]
# What API Gateway adds, and what is of one answer alone.
ITS_OWN = {"x-amzn-requestid", "x-amz-request-id", "x-amzn-errortype", "x-correlation-id", "date", "server"}


@dataclass
class Deployed:
    """The API behind the gateway.

    Attributes:
        api: Its id at API Gateway.
        url: Of the stage.
        key: A key of the API, which is in no usage plan of the gateway yet.
    """

    api: str
    url: str
    key: str

    def plan(self, value: str, *, rate: float = 1000, burst: int = 1000, quota: int | None = None) -> None:
        """Let the gateway take a key, at this pace."""
        gateway = boto3.client("apigateway")
        plan = gateway.create_usage_plan(
            name="plan",
            apiStages=[{"apiId": self.api, "stage": STAGE}],
            throttle={"rateLimit": rate, "burstLimit": burst},
            **({"quota": {"limit": quota, "period": "DAY"}} if quota else {}),
        )
        key = gateway.create_api_key(name="key", value=value, enabled=True)
        gateway.create_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")


def function_code() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("main.py", HANDLER)
    return buffer.getvalue()


def deploy(environment: Mapping[str, str]) -> str:
    """Make the function and the API that calls it; the API's id."""
    function = boto3.client("lambda").create_function(
        FunctionName="finks-api",
        Runtime="python3.12",
        Role=ROLE,
        Handler="main.handler",
        Code={"ZipFile": function_code()},
        Timeout=29,
        MemorySize=1024,
        Environment={"Variables": dict(environment)},
    )
    region = boto3.client("lambda").meta.region_name
    arn = f"arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{function['FunctionArn']}/invocations"
    gateway = boto3.client("apigateway")
    api = import_rest_api(gateway, with_function(gateway_document(api_document()), arn))
    gateway.create_deployment(restApiId=api, stageName=STAGE)
    return api


@pytest.fixture
def lake(new_lake) -> Lake:
    made = SmallLake(Lake.open(new_lake().place(), create=True))
    made.fill()
    made.publish(Decimal("1234.5600000001"))
    return made.lake


@pytest.fixture
def deployed(aws, lake) -> Iterator[Deployed]:
    """The API over Athena, as a function of the local AWS."""
    keys = f"{lake.place.address}/api-keys.json"
    key, _ = add_key(key_place(keys), name="reader", now=utc_now())
    packages = [path for path in sys.path if path.startswith(sys.prefix) or "/packages/" in path]
    own = {
        "FINKS_LAKE__PATH": lake.place.address,
        "FINKS_API__KEYS": keys,
        "FINKS_API__SECRET": SECRET,
        "PACKAGES": os.pathsep.join(packages),
    }
    api = deploy({**aws.environment, **own})
    yield Deployed(api, f"{aws.emulator.url}/restapis/{api}/{STAGE}/_user_request_", key)
    boto3.client("apigateway").delete_rest_api(restApiId=api)
    boto3.client("lambda").delete_function(FunctionName="finks-api")


@pytest.fixture
def here(deployed, lake) -> Iterator[str]:
    """The same API over DuckDB on this machine."""
    keys = DocumentKeys(key_place(f"{lake.place.address}/api-keys.json"), clock=utc_now)
    app = create_app(DuckDbBackend(lake), keys, ApiSettings(secret=SECRET), limiter=Limiter(clock=utc_now))
    server = LoopbackServer(app, "the API")
    server.start()
    yield server.url
    server.stop()


def ask(url: str, headers: Mapping[str, str], method: str = "GET") -> httpx.Response:
    return httpx.request(method, url, headers=dict(headers), timeout=60)  # the first one starts the function


def told(answer: httpx.Response) -> tuple[int, dict[str, str], bytes]:
    headers = {name: value for name, value in answer.headers.items() if name not in ITS_OWN}
    return answer.status_code, headers, answer.content


def test_the_function_behind_the_gateway_answers_as_the_server_does(deployed, here):
    deployed.plan(deployed.key)
    key = {"x-api-key": deployed.key}
    for path in [*ANSWERS, *REFUSALS]:
        there, local = (ask(base + path, key) for base in (deployed.url, here))
        assert (path, *told(there)) == (path, *told(local))
        assert there.is_success == (path in ANSWERS)


def test_conditions_compression_and_head_pass_the_gateway(deployed, here):
    deployed.plan(deployed.key)
    tag = ask(here + SUMMARY, {"x-api-key": deployed.key}).headers["etag"]
    for method, header in (("GET", {"if-none-match": tag}), ("GET", {"accept-encoding": "identity"}), ("HEAD", {})):
        headers = {"x-api-key": deployed.key, **header}
        there, local = (ask(url + SUMMARY, headers, method) for url in (deployed.url, here))
        assert (there.status_code, there.content) == (local.status_code, local.content)
        assert there.headers["etag"] == local.headers["etag"]
        assert there.headers.get("content-encoding") == local.headers.get("content-encoding")


@pytest.mark.parametrize("key", [None, "wrong", "finks" + 64 * "0"])
def test_the_gateway_refuses_who_has_no_key_as_the_server_does(deployed, here, key):
    headers = {} if key is None else {"x-api-key": key}
    there, local = (ask(base + SUMMARY, headers) for base in (deployed.url, here))
    assert told(there) == told(local)
    assert there.status_code == 403


def test_the_gateway_refuses_a_key_that_is_in_no_plan(deployed):
    assert ask(deployed.url + SUMMARY, {"x-api-key": deployed.key}).status_code == 403


@pytest.mark.parametrize(
    ("limits", "slug"),
    [({"rate": 0.001, "burst": 2}, "rate-exceeded"), ({"quota": 2}, "quota-exceeded")],
    ids=["rate", "quota"],
)
def test_the_gateway_enforces_the_usage_plan(deployed, limits, slug):
    deployed.plan(deployed.key, **limits)
    answers = [ask(deployed.url + "/v1/version", {"x-api-key": deployed.key}) for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    problem = Problem.fixed(slug)
    assert answers[-1].content == problem.body()
    assert answers[-1].headers.items() >= problem.headers.items()


def test_the_gateway_names_a_parameter_that_is_missing(deployed):
    deployed.plan(deployed.key)
    answer = ask(f"{deployed.url}/v1/portfolios/alpha/positions", {"x-api-key": deployed.key})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert answer.json()["type"] == "urn:finks:problem:invalid-parameter"
    assert "[date]" in answer.json()["detail"]
