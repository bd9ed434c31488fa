"""Workgroups and what they say of results."""

from __future__ import annotations

import pytest
from finks_local.athena.workgroups import PRIMARY, WorkGroups, output_location
from finks_local.store import Store
from finks_local.wire import ServiceError
from hypothesis import given
from hypothesis import strategies as st

OWN = {"ResultConfiguration": {"OutputLocation": "s3://own/"}}
ASKED = {"ResultConfiguration": {"OutputLocation": "s3://asked/x/"}}


@pytest.fixture
def groups():
    return WorkGroups(Store())


def location(groups, configuration, request):
    groups.create({"Name": "w", "Configuration": configuration})
    return output_location(groups.find("w"), request)


def test_primary_is_always_there_and_lets_clients_choose(groups):
    assert groups.find(None)["Name"] == PRIMARY
    assert output_location(groups.find(None), ASKED) == "s3://asked/x"


def test_an_enforced_workgroup_ignores_what_the_client_asks(groups):
    assert location(groups, {**OWN, "EnforceWorkGroupConfiguration": True}, ASKED) == "s3://own"


def test_a_workgroup_that_is_not_enforced_is_the_default(groups):
    assert location(groups, {**OWN, "EnforceWorkGroupConfiguration": False}, ASKED) == "s3://asked/x"
    assert output_location(groups.find("w"), {}) == "s3://own"


def test_a_query_without_any_place_for_its_result_is_refused(groups):
    with pytest.raises(ServiceError, match="No output location provided"):
        output_location(groups.find(None), {})


@pytest.mark.parametrize("place", ["results", "http://x/", "s3://"])
def test_a_place_that_is_not_in_s3_is_refused(groups, place):
    with pytest.raises(ServiceError, match="not a valid S3 path"):
        output_location(groups.find(None), {"ResultConfiguration": {"OutputLocation": place}})


def test_a_name_is_taken_once(groups):
    groups.create({"Name": "w"})
    with pytest.raises(ServiceError, match="already created"):
        groups.create({"Name": "w"})


def test_a_disabled_workgroup_runs_nothing(groups):
    groups.create({"Name": "w"})
    groups.update({"WorkGroup": "w", "State": "DISABLED"})
    with pytest.raises(ServiceError, match="disabled"):
        groups.usable("w")


def test_an_update_sets_and_removes(groups):
    groups.create({"Name": "w", "Configuration": {**OWN, "BytesScannedCutoffPerQuery": 20_000_000}})
    removed = {"RemoveBytesScannedCutoffPerQuery": True, "ResultConfigurationUpdates": {"RemoveOutputLocation": True}}
    groups.update({"WorkGroup": "w", "ConfigurationUpdates": {**removed, "EnforceWorkGroupConfiguration": False}})
    configuration = groups.find("w")["Configuration"]
    assert configuration["ResultConfiguration"] == {}
    assert "BytesScannedCutoffPerQuery" not in configuration
    assert configuration["EnforceWorkGroupConfiguration"] is False


@pytest.mark.parametrize("name", ["AdditionalConfiguration", "ExecutionRole", "EngineConfiguration"])
def test_what_the_endpoint_does_not_do_is_refused_by_name(groups, name):
    with pytest.raises(ServiceError, match=name):
        groups.create({"Name": "w", "Configuration": {name: {}}})


def test_a_managed_workgroup_has_no_output_location(groups):
    managed = {"ManagedQueryResultsConfiguration": {"Enabled": True}}
    assert location(groups, managed, ASKED) is None
    with pytest.raises(ServiceError, match="cannot have an output location"):
        groups.update({"WorkGroup": "w", "ConfigurationUpdates": {"ResultConfigurationUpdates": {
            "OutputLocation": "s3://own/"}}})  # fmt: skip
    groups.update({"WorkGroup": "w", "ConfigurationUpdates": {
        "ManagedQueryResultsConfigurationUpdates": {"Enabled": False}}})  # fmt: skip
    assert output_location(groups.find("w"), ASKED) == "s3://asked/x"


def test_primary_cannot_be_deleted(groups):
    with pytest.raises(ServiceError, match="primary"):
        groups.delete(PRIMARY)


@given(st.sets(st.from_regex("[a-zA-Z0-9._-]{1,8}", fullmatch=True).filter(lambda n: n != PRIMARY)), st.integers(1, 5))
def test_pages_hold_every_workgroup_once_by_name(names, size):
    groups = WorkGroups(Store())
    for name in names:
        groups.create({"Name": name})
    found, token = [], {}
    while True:
        reply = groups.list({"MaxResults": size, **token})
        found += [group["Name"] for group in reply["WorkGroups"]]
        if "NextToken" not in reply:
            break
        token = {"NextToken": reply["NextToken"]}
    assert found == sorted({*names, PRIMARY})


def test_a_token_of_somebody_else_is_refused(groups):
    with pytest.raises(ServiceError, match="malformed: abc"):
        groups.list({"NextToken": "abc"})
