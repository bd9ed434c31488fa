"""What a running local AWS holds, counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3


def inventory(environment: Mapping[str, str], health: Mapping[str, Any]) -> Mapping[str, Any]:
    """Counts of buckets, databases, tables and queries.

    Args:
        environment: The variables that point clients to it.
        health: What the endpoint says of itself.
    """
    session = boto3.Session(
        environment["AWS_ACCESS_KEY_ID"],
        environment["AWS_SECRET_ACCESS_KEY"],
        region_name=environment["AWS_REGION"],
    )
    glue: Any = session.client("glue", endpoint_url=environment["AWS_ENDPOINT_URL_GLUE"])
    s3: Any = session.client("s3", endpoint_url=environment["AWS_ENDPOINT_URL"])
    databases = [database["Name"] for part in _pages(glue, "get_databases") for database in part["DatabaseList"]]
    tables = sum(len(part["TableList"]) for name in databases for part in _pages(glue, "get_tables", DatabaseName=name))
    queries: Mapping[str, int] = health.get("queries", {})
    return {
        "buckets": len(s3.list_buckets()["Buckets"]),
        "databases": len(databases),
        "tables": tables,
        **{f"{name}_queries": count for name, count in queries.items()},
    }


def _pages(client: Any, operation: str, **request: str) -> Any:
    return client.get_paginator(operation).paginate(**request)
