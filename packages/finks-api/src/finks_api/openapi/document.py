"""The OpenAPI 3.1 document of the app."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from finks_api.records import RECORDS
from finks_api.routes.datasets import DATASET, DATASETS
from finks_api.routes.declare import PROBLEM, page_schema
from finks_api.routes.service import HEALTH, STATE

TITLE: Final = "finks Data API"
DESCRIPTION: Final = """\
The served Gold release and the Silver history of a finks lake.

Every answer reads one Gold release and names it. `as_of` asks for what was known at a time. A page is followed by \
`next`, or by the header `Link`; all pages of one walk read the same release, whatever is published meanwhile.

Decimals are strings, exact, without trailing zeros. Dates are `YYYY-MM-DD`, times RFC 3339 in UTC. Whatever is not \
an answer is a problem document (RFC 9457).
"""
TAGS: Final = (
    {"name": "Portfolios", "description": "What portfolios are worth, hold and did."},
    {"name": "Securities", "description": "Securities, their bars, dividends and splits."},
    {"name": "Datasets", "description": "What there is: contract, freshness, coverage, licence."},
    {"name": "Service", "description": "Whether it answers, and what it serves."},
)
RUNNING: Final[dict[str, Any]] = {
    "type": "object",
    "title": "Running",
    "properties": {"status": {"type": "string", "const": "running"}},
    "required": ["status"],
}


def document(app: FastAPI) -> dict[str, Any]:
    """The document: the routes from the code, the schemas from the records."""
    made = get_openapi(
        title=TITLE, version=app.version, description=DESCRIPTION, routes=app.routes, tags=[dict(tag) for tag in TAGS]
    )
    schemas = {"Problem": PROBLEM, "Running": RUNNING, "Version": STATE, "Dataset": DATASET, "Datasets": DATASETS}
    for record in RECORDS:
        schemas |= {record.name: record.schema, f"{record.name}Page": page_schema(record)}
    made["components"] = {
        "schemas": dict(sorted(schemas.items())),
        "securitySchemes": {"apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"}},
    }
    for path, operations in made["paths"].items():
        for operation in operations.values():
            operation["security"] = [] if path == HEALTH else [{"apiKey": []}]
    return made
