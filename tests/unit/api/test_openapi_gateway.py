"""The document for API Gateway is valid OpenAPI 3.0 and says what API Gateway needs."""

from __future__ import annotations

import json
import re
from typing import Annotated, Generic, TypeVar

import pytest
from fastapi import Depends, FastAPI, Query
from fastapi.security import APIKeyHeader
from finks.errors import InvariantError
from finks_api.openapi.gateway import FUNCTION, gateway_document, with_function
from finks_api.openapi.gateway_responses import PROBLEMS
from finks_api.problems import Problem
from openapi_spec_validator import OpenAPIV30SpecValidator
from pydantic import BaseModel

# Source: "API Gateway OpenAPI extensions".
KNOWN_EXTENSIONS = {
    "x-amazon-apigateway-api-key-source",
    "x-amazon-apigateway-binary-media-types",
    "x-amazon-apigateway-gateway-responses",
    "x-amazon-apigateway-integration",
    "x-amazon-apigateway-request-validator",
    "x-amazon-apigateway-request-validators",
}


T = TypeVar("T")


class Row(BaseModel, Generic[T]):
    value: T
    note: str | None = None


@pytest.fixture(scope="module")
def document():
    app = FastAPI(title="Small", version="1")
    key = Depends(APIKeyHeader(name="x-api-key"))

    @app.get("/v1/health", operation_id="health")
    def health() -> dict[str, str]:
        return {}

    @app.get("/v1/rows/{row}", operation_id="readRow", dependencies=[key])
    def read_row(row: str, limit: Annotated[int | None, Query(gt=0)] = None) -> Row[int]:
        return Row(value=limit or 0)

    return app.openapi()


@pytest.fixture(scope="module")
def gateway(document):
    return gateway_document(document)


def operations(document):
    return {(method, path): each for path, item in document["paths"].items() for method, each in item.items()}


def test_it_is_valid(gateway):
    assert gateway["openapi"] == "3.0.1"
    OpenAPIV30SpecValidator(gateway).validate()


def test_every_extension_is_one_that_api_gateway_knows(gateway):
    assert set(re.findall(r'"(x-[\w-]+)":', json.dumps(gateway))) == KNOWN_EXTENSIONS


def test_all_but_health_needs_a_key(gateway):
    secured = {path: each["security"] for (_, path), each in operations(gateway).items()}
    assert secured == {"/v1/health": [], "/v1/rows/{row}": [{"api_key": []}]}


def test_the_head_of_everything_can_be_read(gateway):
    assert set(operations(gateway)) == {
        (method, path) for path in ("/v1/health", "/v1/rows/{row}") for method in ("get", "head")
    }
    assert "content" not in operations(gateway)["head", "/v1/rows/{row}"]["responses"]["200"]


def test_every_operation_goes_to_the_function(gateway):
    arn = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:1:f/invocations"
    placed = with_function(gateway, arn)
    assert FUNCTION not in json.dumps(placed)
    for operation in operations(placed).values():
        integration = operation["x-amazon-apigateway-integration"]
        assert (integration["type"], integration["uri"], integration["timeoutInMillis"]) == ("aws_proxy", arn, 29_000)


@pytest.mark.parametrize("kind", PROBLEMS)
def test_the_gateways_own_answers_are_those_of_the_app(gateway, kind):
    response = gateway["x-amazon-apigateway-gateway-responses"][kind]
    problem = Problem.fixed(PROBLEMS[kind])
    headers = {
        name.removeprefix("gatewayresponse.header.").lower(): value.strip("'")
        for name, value in response["responseParameters"].items()
    }
    assert response["statusCode"] == str(problem.status)
    assert headers.items() >= problem.headers.items()
    if kind != "BAD_REQUEST_PARAMETERS":
        assert response["responseTemplates"]["application/json"].encode() == problem.body()


def test_the_gateway_names_the_parameters_that_are_missing(gateway):
    template = gateway["x-amazon-apigateway-gateway-responses"]["BAD_REQUEST_PARAMETERS"]["responseTemplates"]
    body = template["application/json"].replace("$context.error.messageString", '"Missing: [date]"')
    assert json.loads(body) == {**Problem.fixed("invalid-parameter").document(), "detail": "Missing: [date]"}


def test_a_path_that_api_gateway_does_not_take_is_refused(document):
    wrong = {**document, "paths": {"/v1/a{b}": document["paths"]["/v1/health"]}}
    with pytest.raises(InvariantError, match="no such path"):
        gateway_document(wrong)
