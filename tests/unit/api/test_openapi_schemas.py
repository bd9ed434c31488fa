"""A schema of OpenAPI 3.1 and its conversion accept the same values."""

from __future__ import annotations

import pytest
from finks.errors import InvariantError
from finks_api.openapi.schemas import convert, converted, model_name
from hypothesis import given
from hypothesis import strategies as st
from openapi_schema_validator import OAS30Validator, OAS31Validator
from referencing import Registry
from referencing.jsonschema import DRAFT4, DRAFT202012

SCALARS = st.sampled_from([None, True, "", "a", "ab", "2024-02-29", -1, 0, 1, 2, 5, 1.5])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
    max_leaves=4,
)
NULL = {"type": "null"}
TEXTS = st.fixed_dictionaries(
    {"type": st.just("string")}, optional={"maxLength": st.integers(0, 2), "enum": st.just(["a", "ab"])}
)
NUMBERS = st.fixed_dictionaries(
    {"type": st.sampled_from(["integer", "number"])},
    optional={"exclusiveMinimum": st.integers(-1, 2), "maximum": st.integers(0, 5)},
) | st.builds(lambda bound: {"type": "number", "exclusiveMaximum": bound}, st.integers(0, 5))
LEAVES = st.one_of(
    TEXTS,
    NUMBERS,
    st.just({"const": "a"}),
    st.just({"type": ["integer", "null"], "minimum": 1}),
    st.just({"type": ["integer", "string"]}),
    st.just({"$ref": "#/components/schemas/Named_One", "description": "A reference with company."}),
)


def combined(inner):
    return st.one_of(
        st.builds(lambda item: {"type": "array", "items": item, "maxItems": 1}, inner),
        st.builds(lambda field: {"type": "object", "properties": {"a": field}, "required": ["a"]}, inner),
        st.builds(lambda field: {"type": "object", "additionalProperties": field}, inner),
        st.builds(lambda some: {"anyOf": [*some, NULL], "title": "T"}, st.lists(inner, min_size=1, max_size=2)),
        st.builds(lambda some: {"allOf": some}, st.lists(inner, min_size=1, max_size=2)),
    )


NAMED = {"Named_One": {"type": "object", "properties": {"b": {"anyOf": [{"type": "integer"}, NULL]}}}}


def accepts(validator, dialect, schema, schemas, value):
    """The schema within a document, so that its references lead somewhere."""
    document = {"components": {"schemas": {**schemas, "Root": schema}}}
    registry = Registry().with_resource("urn:document", dialect.create_resource(document))
    return validator({"$ref": "urn:document#/components/schemas/Root"}, registry=registry).is_valid(value)


@given(st.recursive(LEAVES, combined, max_leaves=4), VALUES)
def test_the_conversion_accepts_what_the_schema_accepts(schema, value):
    schemas = converted({**NAMED, "Root": schema})
    assert accepts(OAS30Validator, DRAFT4, schemas.pop("Root"), schemas, value) == accepts(
        OAS31Validator, DRAFT202012, schema, NAMED, value
    )


def test_an_optional_field_is_nullable():
    assert convert({"anyOf": [{"type": "string"}, NULL], "title": "T"}) == {
        "type": "string", "title": "T", "nullable": True,
    }  # fmt: skip


def test_definitions_within_a_schema_become_models_beside_it():
    schema = {"$defs": {"Inner": {"type": "integer"}}, "type": "array", "items": {"$ref": "#/$defs/Inner"}}
    assert converted({"Outer": schema}) == {
        "Outer": {"type": "array", "items": {"$ref": "#/components/schemas/Inner"}},
        "Inner": {"type": "integer"},
    }


def test_a_models_name_has_letters_and_digits_alone():
    assert model_name("Answer_DailySummary-v1_") == "AnswerDailySummaryV1"


def test_two_schemas_of_one_name_are_refused():
    with pytest.raises(InvariantError, match="one name"):
        converted({"A_b": {"type": "string"}, "AB": {"type": "integer"}})


@pytest.mark.parametrize(
    "schema",
    [{"prefixItems": []}, {"minimum": 1, "exclusiveMinimum": 0}, {"$ref": "#/components/responses/Problem"}],
    ids=["keyword", "pair", "reference"],
)
def test_what_the_older_version_cannot_say_is_refused(schema):
    with pytest.raises(InvariantError):
        convert(schema)
