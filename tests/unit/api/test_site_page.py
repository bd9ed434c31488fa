"""The documentation page says what the document says, and only that."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from finks_api.openapi.describe import api_document
from finks_api.problems import CATALOGUE
from finks_api.site.markup import element, prose
from finks_api.site.page import page
from finks_api.site.reference import kind, limits
from hypothesis import given
from hypothesis import strategies as st


class Page(HTMLParser):
    """The text, the ids and the addresses of a page."""

    def __init__(self, source):
        super().__init__()
        self.text, self.ids, self.addresses, self.elements = "", set(), [], []
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        attributes = dict(attrs)
        self.ids |= {attributes["id"]} if "id" in attributes else set()
        self.addresses += [value for name, value in attrs if name in {"href", "src"}]

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def document():
    return api_document()


@pytest.fixture(scope="module")
def shown(document):
    return Page(page(document, style="/style.css", source="/openapi.json"))


def test_every_operation_is_there_with_its_parameters_and_its_request(document, shown):
    for path, item in document["paths"].items():
        operation = item["get"]
        assert operation["operationId"] in shown.ids
        assert path in shown.text
        assert all(each["name"] in shown.text for each in operation.get("parameters", []))


def test_no_request_has_a_gap(shown):
    assert '"$API/v1/portfolios/us-retirement/summary"' in shown.text
    assert "/None" not in shown.text


def test_every_problem_is_there(shown):
    assert all(slug in shown.text and kind.title in shown.text for slug, kind in CATALOGUE.items())


def test_every_field_of_a_record_is_told(document, shown):
    for name in document["components"]["schemas"]["DailySummary"]["properties"]:
        assert f"data[].{name}" in shown.text


def test_links_lead_somewhere(shown):
    inside = {address[1:] for address in shown.addresses if address.startswith("#")}
    assert inside <= shown.ids
    assert {address for address in shown.addresses if not address.startswith("#")} == {"/style.css", "/openapi.json"}


def test_nothing_of_it_runs(shown):
    assert {"script", "iframe", "object", "style", "img"}.isdisjoint(shown.elements)


@given(st.text(), st.text())
def test_text_is_never_taken_for_markup(text, address):
    parsed = Page(element("a", text, href=address))
    assert (parsed.elements, parsed.text, parsed.addresses) == (["a"], text, [address])


@given(st.text(alphabet="ab<&`'\" "))
def test_prose_marks_code_and_nothing_else(text):
    parsed = Page(prose(text))
    assert set(parsed.elements) <= {"code"}
    assert parsed.text == re.sub("`([^`]+)`", r"\1", text)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": ["string", "null"], "format": "decimal"}, "decimal or null"),
        ({"anyOf": [{"type": "string", "enum": ["json", "csv"]}, {"type": "null"}]}, "json | csv or null"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Split"}}, "list of Split"),
        ({"type": "integer", "format": "int64"}, "integer"),
    ],
)
def test_a_type_is_told_in_words(schema, words):
    assert kind(schema) == words


def test_the_limits_of_a_value_are_told():
    assert limits({"default": 1000, "minimum": 1, "maximum": 5000}) == "1000 when absent, at least 1, at most 5000"
