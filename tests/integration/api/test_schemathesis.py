"""Whatever is asked, the API answers as its document says."""

from __future__ import annotations

import pytest
import schemathesis
from finks_api.openapi.describe import api_document
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance

SEED = 20260102
EXAMPLES = 8
BEYOND_SCHEMAS = {"page", "as_of", "end"}
"""A schema cannot say which tokens there are, that a time is past, or that a range is in order."""

PATHS = api_document()["paths"]
DATA = [path for path, item in PATHS.items() if "text/csv" in item["get"]["responses"]["200"]["content"]]
NAMES = {"portfolio_id": "alpha", "symbol": "AAPL"}


@pytest.fixture
def key(new_key) -> str:
    return new_key()


@pytest.fixture
def document(make_app, key):
    """The document as it is served, and the app that it describes."""
    config = SchemathesisConfig.from_dict(
        {
            "seed": SEED,
            "headers": {"x-api-key": key},
            "generation": {"deterministic": True, "max-examples": EXAMPLES, "database": "none"},
            # Nonsense can be so long that the whole address is refused before anything in it is read.
            "checks": {"negative_data_rejection": {"expected-statuses": [400, 403, 404, 405, 406, 413, 414]}},
        }
    )
    return schemathesis.openapi.from_asgi("/openapi.json", make_app(), config=config)


described = schemathesis.pytest.from_fixture("document")


@pytest.mark.slow
@described.parametrize()
def test_every_answer_is_one_of_the_document(case):
    case.call_and_validate(excluded_checks=[positive_data_acceptance] if BEYOND_SCHEMAS & set(case.query) else [])


def test_rows_are_in_every_format_as_the_document_says(document, key):
    for path in DATA:
        operation = document[path]["GET"]
        names = {name: value for name, value in NAMES.items() if f"{{{name}}}" in path}
        day = {"date": "2020-01-03"} if path.endswith("positions") else {}
        for format in ("json", "csv", "ndjson", "arrow"):
            case = operation.Case(path_parameters=names, query={**day, "format": format, "limit": 1})
            assert case.call_and_validate(headers={"x-api-key": key}).status_code == 200
