"""Requests are checked against Athena's own model."""

from __future__ import annotations

from contextlib import suppress

import pytest
from finks_local.athena.model import service_model, validate
from finks_local.wire import ServiceError
from hypothesis import given
from hypothesis import strategies as st


def refusal(operation, request):
    with pytest.raises(ServiceError) as caught:
        validate(operation, request)
    return caught.value


def test_what_is_null_or_unknown_is_left_out():
    asked = {
        "QueryString": "select 1",
        "WorkGroup": None,
        "Novelty": 1,
        "ResultConfiguration": {"OutputLocation": None},
    }
    assert validate("StartQueryExecution", asked) == {"QueryString": "select 1", "ResultConfiguration": {}}


@pytest.mark.parametrize(
    ("operation", "request_", "message"),
    [
        (
            "GetQueryExecution", {},
            "Value null at 'queryExecutionId' failed to satisfy constraint: Member must not be null",
        ),
        (
            "ListWorkGroups", {"MaxResults": 51},
            "Value at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 50",
        ),
        (
            "ListWorkGroups", {"NextToken": ""},
            "Value at 'nextToken' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ),
        (
            "UpdateWorkGroup", {"WorkGroup": "w", "State": "ASLEEP"},
            "Value at 'state' failed to satisfy constraint: Member must satisfy enum value set: [ENABLED, DISABLED]",
        ),
        (
            "GetWorkGroup", {"WorkGroup": "a b"},
            "Value at 'workGroup' failed to satisfy constraint: Member must satisfy regular expression pattern: "
            "[a-zA-Z0-9._-]{1,128}",
        ),
        (
            "CreateWorkGroup", {"Name": "w", "Configuration": {"BytesScannedCutoffPerQuery": 1}},
            "Value at 'configuration.bytesScannedCutoffPerQuery' failed to satisfy constraint: "
            "Member must have value greater than or equal to 10000000",
        ),
    ],
)  # fmt: skip
def test_what_the_model_forbids_is_refused_in_awss_words(operation, request_, message):
    error = refusal(operation, request_)
    assert (error.code, error.members["AthenaErrorCode"]) == ("InvalidRequestException", "INVALID_INPUT")
    assert error.message == f"1 validation error detected: {message}"


def test_every_breach_is_told():
    assert refusal("StartQueryExecution", {"QueryString": "", "ClientRequestToken": "short"}).message.startswith(
        "2 validation errors detected: Value at 'queryString'"
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("1", "STRING_VALUE can not be converted to an Integer"),
        (True, "TRUE_VALUE can not be converted to an Integer"),
        ([], "Start of list found where not expected"),
        ({}, "Start of structure or map found where not expected."),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(value, message):
    error = refusal("ListWorkGroups", {"MaxResults": value})
    assert (error.code, error.message) == ("SerializationException", message)


def test_an_operation_that_athena_does_not_have_is_refused_by_name():
    assert "Levitate" in refusal("Levitate", {}).message


def test_names_may_hold_any_character_of_the_pattern():
    assert validate("GetDataCatalog", {"Name": "katalog-é-😀"})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 2000) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


def accepted(operation, request):
    with suppress(ServiceError):
        return isinstance(validate(operation, request), dict)


def refused(operation, request):
    return refusal(operation, request).code in ("InvalidRequestException", "SerializationException")


@given(st.data())
def test_any_request_is_accepted_or_refused(data):
    operation = data.draw(st.sampled_from(sorted(service_model().operation_names)))
    members = sorted(service_model().operation_model(operation).input_shape.members)
    request = data.draw(st.dictionaries(st.sampled_from(members) if members else st.text(max_size=3), JSON))
    assert accepted(operation, request) or refused(operation, request)
