"""Named queries and prepared statements."""

from __future__ import annotations

import pytest
from finks_local.athena.saved import NamedQueries, PreparedStatements
from finks_local.athena.workgroups import WorkGroups
from finks_local.store import Store
from finks_local.wire import ServiceError

QUERY = {"Name": "n", "Database": "d", "QueryString": "select 1"}
STATEMENT = {"StatementName": "s", "WorkGroup": "primary", "QueryStatement": "select ?"}


@pytest.fixture
def named():
    store = Store()
    return NamedQueries(store, WorkGroups(store))


@pytest.fixture
def statements():
    store = Store()
    return PreparedStatements(store, WorkGroups(store))


def test_a_named_query_is_kept_changed_and_removed(named):
    key = named.create(QUERY)["NamedQueryId"]
    named.update({"NamedQueryId": key, "Name": "m", "QueryString": "select 2"})
    kept = {**QUERY, "Name": "m", "QueryString": "select 2", "WorkGroup": "primary", "NamedQueryId": key}
    assert named.get({"NamedQueryId": key})["NamedQuery"] == kept
    named.delete({"NamedQueryId": key})
    with pytest.raises(ServiceError, match="was not found"):
        named.get({"NamedQueryId": key})


def test_one_token_makes_one_named_query(named):
    first = named.create({**QUERY, "ClientRequestToken": "t" * 32})
    assert named.create({**QUERY, "ClientRequestToken": "t" * 32}) == first
    with pytest.raises(ServiceError, match="Idempotent"):
        named.create({**QUERY, "Name": "other", "ClientRequestToken": "t" * 32})


def test_a_batch_tells_found_and_missing(named):
    key = named.create(QUERY)["NamedQueryId"]
    reply = named.get_batch({"NamedQueryIds": [key, "absent"]})
    assert [query["NamedQueryId"] for query in reply["NamedQueries"]] == [key]
    assert [query["NamedQueryId"] for query in reply["UnprocessedNamedQueryIds"]] == ["absent"]


def test_named_queries_are_listed_newest_first(named):
    keys = [named.create({**QUERY, "Name": str(number)})["NamedQueryId"] for number in range(3)]
    assert named.list({})["NamedQueryIds"] == keys[::-1]


def test_a_prepared_statement_is_kept_changed_and_removed(statements):
    statements.create(STATEMENT)
    with pytest.raises(ServiceError, match="already exists"):
        statements.create(STATEMENT)
    statements.update({**STATEMENT, "QueryStatement": "select ? + 1"})
    assert statements.texts("primary") == {"s": "select ? + 1"}
    statements.delete(STATEMENT)
    with pytest.raises(ServiceError, match="ResourceNotFoundException"):
        statements.get(STATEMENT)


def test_a_batch_of_statements_tells_found_and_missing(statements):
    statements.create(STATEMENT)
    reply = statements.get_batch({"PreparedStatementNames": ["s", "x"], "WorkGroup": "primary"})
    assert [statement["StatementName"] for statement in reply["PreparedStatements"]] == ["s"]
    assert [missing["StatementName"] for missing in reply["UnprocessedPreparedStatementNames"]] == ["x"]


def test_statements_of_an_unknown_workgroup_are_refused(statements):
    with pytest.raises(ServiceError, match="WorkGroup is not found"):
        statements.create({**STATEMENT, "WorkGroup": "absent"})
