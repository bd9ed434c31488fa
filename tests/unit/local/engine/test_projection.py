"""Partition projection by a table's properties."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from finks_local.engine.scan.projection import projected_partitions
from finks_local.sql.errors import QueryError

NOW = datetime(2024, 3, 2, 5, 30, tzinfo=UTC)


def values(properties: dict[str, str], *names: str) -> list[list[str]]:
    return [row["Values"] for row in projected_partitions(table(properties, *names), NOW)]


def table(properties: dict[str, str], *names: str) -> dict[str, object]:
    projection = {f"projection.{key}": value for key, value in properties.items()}
    return {
        "Name": "t",
        "Parameters": {"projection.enabled": "true", **projection},
        "PartitionKeys": [{"Name": name, "Type": "string"} for name in names],
        "StorageDescriptor": {"Location": "s3://b/t", "Columns": []},
    }


def dates(form: str, ends: str) -> dict[str, str]:
    return {"p.type": "date", "p.format": form, "p.range": ends}


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"p.type": "enum", "p.values": "a, b"}, ["a", "b"]),
        ({"p.type": "integer", "p.range": "8,12", "p.interval": "2", "p.digits": "3"}, ["008", "010", "012"]),
        (dates("yyyy-MM-dd", "2024-02-28,2024-03-01"), ["2024-02-28", "2024-02-29", "2024-03-01"]),
        (dates("yyyy/MM/dd/HH", "NOW-1HOURS,NOW"), ["2024/03/02/04", "2024/03/02/05"]),
        (dates("yyyyMM", "NOW-2MONTHS,NOW"), ["202401", "202402", "202403"]),
    ],
)
def test_a_columns_values_follow_from_its_properties(properties, expected):
    assert values(properties, "p") == [[value] for value in expected]


def test_columns_are_combined_and_placed_by_the_template():
    properties = {"p.type": "enum", "p.values": "a,b", "q.type": "integer", "q.range": "1,2"}
    described = table(properties, "p", "q")
    described["Parameters"]["storage.location.template"] = "s3://b/x/${q}-${p}/"
    rows = list(projected_partitions(described, NOW))
    assert [row["Values"] for row in rows] == [["a", "1"], ["a", "2"], ["b", "1"], ["b", "2"]]
    assert rows[1]["StorageDescriptor"]["Location"] == "s3://b/x/2-a/"
    assert (
        next(projected_partitions(table(properties, "p", "q"), NOW))["StorageDescriptor"]["Location"]
        == "s3://b/t/p=a/q=1"
    )


@pytest.mark.parametrize(
    ("properties", "error"),
    [
        ({"p.type": "injected"}, "NOT_SUPPORTED: Partition projection of type injected: column p"),
        ({"p.type": "integer"}, "INVALID_TABLE_PROPERTY: Missing projection.p.range"),
        ({"p.type": "integer", "p.range": "1,x"}, "INVALID_TABLE_PROPERTY: Invalid projection.p.range"),
        ({"p.type": "integer", "p.range": "1,1000000"}, "NOT_SUPPORTED: Projection of 1000000 partitions"),
        (
            {"p.type": "date", "p.format": "EEE", "p.range": "a,b"},
            "INVALID_TABLE_PROPERTY: Invalid projection.p.format",
        ),
        ({}, "INVALID_TABLE_PROPERTY: Missing projection.p.type"),
    ],
)
def test_what_cannot_be_projected_is_refused(properties, error):
    with pytest.raises(QueryError, match=error):
        values(properties, "p")
