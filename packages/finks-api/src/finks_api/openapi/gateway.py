"""The document that API Gateway REST imports: OpenAPI 3.0.1 with its vendor's extensions. Pure.

It follows from the app's own document (3.1, which API Gateway does not take). Everything that API Gateway answers by
itself is a problem of the app's catalogue, with the same body and headers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, Final, cast

from finks.errors import InvariantError

from finks_api.openapi.gateway_responses import gateway_responses
from finks_api.openapi.schemas import convert, converted

Document = dict[str, Any]

FUNCTION: Final = "${lambda_invoke_arn}"
"""Stands for the address at which API Gateway invokes the function; `with_function` puts it in."""

TIMEOUT_MS: Final = 29_000
"""The longest that API Gateway waits for an integration without a raised quota."""

SCHEME: Final = "api_key"
_VALIDATOR: Final = "parameters"
_SEGMENT: Final = re.compile(r"[A-Za-z0-9_.,:-]+|\{[A-Za-z0-9_]+\}")


def gateway_document(document: Mapping[str, Any]) -> Document:
    """What API Gateway imports.

    Args:
        document: The app's OpenAPI 3.1 document.

    Raises:
        InvariantError: It says something that 3.0 or API Gateway cannot take.
    """
    components = document.get("components", {})
    return {
        "openapi": "3.0.1",
        "info": dict(document["info"]),
        "tags": list(document.get("tags", [])),
        "paths": {_checked(path): dict(_methods(item, document)) for path, item in document["paths"].items()},
        "components": {
            "schemas": converted(components.get("schemas", {})),
            "securitySchemes": {SCHEME: {"type": "apiKey", "name": "x-api-key", "in": "header"}},
        },
        "x-amazon-apigateway-api-key-source": "HEADER",
        "x-amazon-apigateway-request-validators": {
            _VALIDATOR: {"validateRequestParameters": True, "validateRequestBody": False}
        },
        # Every answer may come in base64: a compressed or an Arrow one does. Only */* has API Gateway decode it
        # whatever `Accept` says, and `format=arrow` comes without one.
        "x-amazon-apigateway-binary-media-types": ["*/*"],
        "x-amazon-apigateway-gateway-responses": gateway_responses(),
    }


def with_function(document: Mapping[str, Any], invoke_arn: str) -> Document:
    """The document for one function.

    Args:
        document: What `gateway_document` made.
        invoke_arn: `arn:aws:apigateway:<region>:lambda:path/2015-03-31/functions/<function's ARN>/invocations`.
    """
    new = deepcopy(dict(document))
    for item in new["paths"].values():
        for operation in item.values():
            operation["x-amazon-apigateway-integration"]["uri"] = invoke_arn
    return new


def _checked(path: str) -> str:
    """The path, unless API Gateway takes no such one.

    Source: "Amazon API Gateway important notes", the part on REST APIs.
    """
    if not all(_SEGMENT.fullmatch(segment) for segment in path.strip("/").split("/")):
        raise InvariantError("API Gateway takes no such path.", got=path)
    return path


def _methods(item: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each operation; HEAD beside GET, which the app answers too but does not document twice."""
    for method, operation in item.items():
        new = _operation(operation, document)
        yield method, new
        if method == "get" and "head" not in item:
            bare = {code: _without_content(each) for code, each in new["responses"].items()}
            yield "head", {**new, "operationId": f"{new['operationId']}Head", "responses": bare}


def _operation(operation: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: operation[name] for name in ("tags", "summary", "description", "operationId") if name in operation}
    parameters = [_parameter(_resolved(each, document)) for each in operation.get("parameters", [])]
    return {
        **kept,
        **({"parameters": parameters} if parameters else {}),
        "responses": {
            code: _response(_resolved(each, document), document) for code, each in operation["responses"].items()
        },
        "security": [{SCHEME: []}] if operation.get("security") else [],
        "x-amazon-apigateway-request-validator": _VALIDATOR,
        "x-amazon-apigateway-integration": {
            "type": "aws_proxy",
            "httpMethod": "POST",
            "uri": FUNCTION,
            "passthroughBehavior": "when_no_match",
            "timeoutInMillis": TIMEOUT_MS,
        },
    }


def _parameter(parameter: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: parameter[name] for name in ("name", "in", "required", "description") if name in parameter}
    return {**kept, "schema": convert(parameter["schema"])}


def _response(response: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    new: dict[str, Any] = {"description": response["description"]}
    if headers := response.get("headers"):
        new["headers"] = {name: _header(_resolved(each, document)) for name, each in headers.items()}
    if content := response.get("content"):
        new["content"] = {media: {"schema": convert(each.get("schema", {}))} for media, each in content.items()}
    return new


def _header(header: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": header.get("description", ""), "schema": convert(header["schema"])}


def _without_content(response: Mapping[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in response.items() if name != "content"}


def _resolved(node: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference to a shared parameter, response or header means: API Gateway wants them in their places."""
    if "$ref" not in node:
        return node
    found: Any = document
    for name in cast("str", node["$ref"]).removeprefix("#/").split("/"):
        found = found[name]
    return found
