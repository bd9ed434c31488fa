from __future__ import annotations

from finks.lake.aws_policy import FOLDERS, lake_policy
from finks.lake.catalog import NAMESPACES


def resources(policy: dict, action: str) -> list[str]:
    return [name for part in policy["Statement"] if action in part["Action"] for name in part["Resource"]]


def test_a_zone_that_is_not_named_is_not_written():
    policy = lake_policy("s3://b/lake", ("bronze",), database_prefix="x_", region="eu-central-1", account="1")
    assert resources(policy, "s3:PutObject") == [
        "arn:aws:s3:::b/lake/bronze/*",
        *(f"arn:aws:s3:::b/lake/{name}/*" for name in FOLDERS),
    ]
    assert resources(policy, "glue:UpdateTable") == [
        "arn:aws:glue:eu-central-1:1:catalog",
        "arn:aws:glue:eu-central-1:1:database/x_bronze",
        "arn:aws:glue:eu-central-1:1:table/x_bronze/*",
    ]


def test_a_reader_writes_nothing_and_holds_nothing():
    actions = {action for part in lake_policy("s3://b")["Statement"] for action in part["Action"]}
    assert all(action.split(":")[1].startswith(("Get", "List", "Query")) for action in actions)


def test_only_a_role_that_may_restore_replaces_databases_tables_and_the_marker():
    restoring = lake_policy("s3://b/lake", restore_from="s3://safe/lake", region="eu-central-1", account="1")
    assert "arn:aws:s3:::b/lake/*" in resources(restoring, "s3:PutObject")
    assert "arn:aws:s3:::safe/lake/*" in resources(restoring, "s3:GetObject")
    assert "arn:aws:s3:::safe/lake/*" not in resources(restoring, "s3:PutObject")
    assert "arn:aws:glue:eu-central-1:1:database/gold" in resources(restoring, "glue:CreateDatabase")
    writing = lake_policy("s3://b/lake", NAMESPACES)
    assert resources(writing, "glue:DeleteTable") == resources(writing, "glue:CreateDatabase") == []
