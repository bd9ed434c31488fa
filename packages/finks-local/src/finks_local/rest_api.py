"""A REST API of API Gateway from its OpenAPI 3.0 document, by the calls that the emulator has.

On AWS `ImportRestApi` does this alone; the emulator answers that call with an empty API.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_EXTENSION: Final = "x-amazon-apigateway-"
_PLACES: Final = {"path": "path", "query": "querystring", "header": "header"}


def import_rest_api(client: Any, document: Mapping[str, Any]) -> str:
    """Make the API that the document describes.

    Operations, their parameters, the need of a key, request validators, integrations, gateway responses, binary media
    types and the source of keys are read; models are not, as they decide nothing about an answer.

    Args:
        client: boto3's client `apigateway`.
        document: OpenAPI 3.0 with API Gateway's extensions.

    Returns:
        The API's id. It answers nothing before it is deployed.
    """
    api = client.create_rest_api(
        name=document["info"]["title"],
        binaryMediaTypes=document.get(f"{_EXTENSION}binary-media-types", []),
        apiKeySource=document.get(f"{_EXTENSION}api-key-source", "HEADER"),
    )["id"]
    for kind, response in document.get(f"{_EXTENSION}gateway-responses", {}).items():
        client.put_gateway_response(restApiId=api, responseType=kind, **response)
    validators = {
        name: client.create_request_validator(restApiId=api, name=name, **checks)["id"]
        for name, checks in document.get(f"{_EXTENSION}request-validators", {}).items()
    }
    resources = {"/": client.get_resources(restApiId=api)["items"][0]["id"]}
    for path, item in document["paths"].items():
        place = {"restApiId": api, "resourceId": _resource(client, api, resources, path)}
        for method, operation in item.items():
            _method(client, {**place, "httpMethod": method.upper()}, operation, validators)
    return api


def _resource(client: Any, api: str, resources: dict[str, str], path: str) -> str:
    """The id of a path's resource; it and those above it are made where they are absent."""
    if path not in resources:
        above, _, part = path.rpartition("/")
        parent = _resource(client, api, resources, above or "/")
        resources[path] = client.create_resource(restApiId=api, parentId=parent, pathPart=part)["id"]
    return resources[path]


def _method(client: Any, place: Mapping[str, str], operation: Mapping[str, Any], validators: Mapping[str, str]) -> None:
    validator = validators.get(operation.get(f"{_EXTENSION}request-validator", ""))
    client.put_method(
        **place,
        authorizationType="NONE",
        apiKeyRequired=bool(operation.get("security")),
        requestParameters={
            f"method.request.{_PLACES[each['in']]}.{each['name']}": each.get("required", False)
            for each in operation.get("parameters", [])
        },
        **({"requestValidatorId": validator} if validator else {}),
    )
    integration = operation[f"{_EXTENSION}integration"]
    client.put_integration(
        **place,
        type=integration["type"].upper(),
        integrationHttpMethod=integration["httpMethod"],
        uri=integration["uri"],
        passthroughBehavior=integration["passthroughBehavior"].upper(),
        timeoutInMillis=integration["timeoutInMillis"],
    )
