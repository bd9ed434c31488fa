"""The documents that are checked in are those of the code, and hold for the whole API."""

from __future__ import annotations

import os

import pytest
from finks_api.openapi.describe import API_FILE, GATEWAY_FILE, api_document, documents
from finks_api.openapi.gateway import gateway_document
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator


@pytest.fixture(scope="module")
def document():
    return api_document()


def operations(document):
    return [each for item in document["paths"].values() for each in item.values()]


@pytest.mark.parametrize("name", [API_FILE, GATEWAY_FILE])
def test_the_checked_in_document_is_up_to_date(repository, name):
    """FINKS_UPDATE_GENERATED=1 writes it anew."""
    path = repository / "packages" / "finks-api" / "openapi" / name
    made = documents()[name]
    if os.environ.get("FINKS_UPDATE_GENERATED"):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(made)
    assert path.read_bytes() == made


def test_both_documents_are_valid(document):
    OpenAPIV31SpecValidator(document).validate()
    OpenAPIV30SpecValidator(gateway_document(document)).validate()


def test_every_operation_has_its_own_name_and_says_what_it_does(document):
    names = [each["operationId"] for each in operations(document)]
    assert len(set(names)) == len(names)
    assert all(each["summary"] and each["description"] for each in operations(document))


def test_every_answer_of_records_names_its_release(document):
    pages = [each for each in operations(document) if "text/csv" in each["responses"]["200"]["content"]]
    assert pages
    assert all("Finks-Release" in each["responses"]["200"]["headers"] for each in pages)


def test_whatever_is_no_answer_is_a_problem(document):
    for operation in operations(document):
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"]


def test_all_but_health_needs_a_key(document):
    assert [path for path, item in document["paths"].items() if not item["get"]["security"]] == ["/v1/health"]
