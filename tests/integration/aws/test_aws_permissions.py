"""A role that may write Bronze only: it ingests, is refused Silver, and is told which permission it lacks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import boto3
import finks
import pytest
from destroying import destroy
from finks.errors import ConfigurationError
from finks.lake.aws_policy import lake_policy
from finks.lake.catalog import NAMESPACES
from finks.run.care.backups import backup, restore_lake
from finks.run.sections import BackupSettings, LakeSettings
from finks.run.settings import Settings
from small_runs import Ended, run_once

pytestmark = [pytest.mark.aws, pytest.mark.slow]

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
}


@pytest.fixture(scope="module")
def local_aws() -> Iterator:
    """A local AWS that checks signatures and permissions."""
    from finks_local.stack import Stack

    with Stack.start(enforce_iam=True) as stack:
        yield stack


@pytest.fixture
def assume(aws, monkeypatch):
    """Go on as a role with this policy and no other."""

    def become(name: str, policy: dict) -> None:
        iam = boto3.client("iam")
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="lake", PolicyDocument=json.dumps(policy))
        got = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", got["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", got["SecretAccessKey"])
        monkeypatch.setenv("AWS_SESSION_TOKEN", got["SessionToken"])

    return become


def now() -> datetime:
    return datetime.now(UTC)


def policy_for(lake: LakeSettings, *zones: str) -> dict:
    return lake_policy(str(lake.path), zones, database_prefix=lake.database_prefix or "")


@pytest.fixture
def made(small):
    """The lake is there already, empty, and so is the table of leases."""
    lake = finks.Lake.open(small.lake.place(), create=True)
    with lake.hold(run_id="setup", command="setup"):
        return small


def test_a_role_that_may_write_bronze_only_ingests_and_is_refused_silver(made, assume):
    assume("ingest", policy_for(made.lake, "bronze"))
    assert run_once(made, refine=False) == Ended(0, "")
    ledger = finks.open(str(made.lake.path)).ledger("fmp_daily_bars").arrow()
    assert ledger["outcome"].to_pylist() == ["ok"]
    refused = run_once(made)
    assert refused.code == 2
    assert re.search(rf"s3:PutObject on arn:aws:s3:::{str(made.lake.path)[5:]}/silver/", refused.text), refused.text
    assert finks.open(str(made.lake.path)).tables()["silver"] == []


def test_a_role_that_may_write_silver_too_goes_on_from_there(made, assume):
    assume("refine", policy_for(made.lake, "bronze", "silver", "quarantine"))
    assert run_once(made) == Ended(0, "")


def test_a_reader_reads_and_holds_nothing(made, assume):
    run_once(made)
    assume("reader", policy_for(made.lake))
    assert finks.open(str(made.lake.path)).latest("fmp_daily_bars").arrow().num_rows > 200
    assert "dynamodb:PutItem" in run_once(made).text


@pytest.fixture
def lost(small) -> Settings:
    """A lake of which nothing but a backup is left.

    Not a whole one that is replaced: the emulator holds GetDatabase against the ARN of a table.
    """
    target = str(small.lake.path).replace("/lake-", "/safe-")
    settings = small.model_copy(update={"backup": BackupSettings(target=target)})
    run_once(settings)
    backup(finks.open(str(settings.lake.path)), settings, now)
    destroy(settings.lake)
    return settings


def test_a_role_that_may_restore_brings_a_lost_lake_back(lost, assume):
    safe = str(lost.backup.target)
    policy = lake_policy(str(lost.lake.path), restore_from=safe, database_prefix=lost.lake.database_prefix or "")
    assume("restore", policy)
    assert restore_lake(lost, safe, now).exit_code == 0
    assert finks.open(str(lost.lake.path)).latest("fmp_daily_bars").arrow().num_rows > 200


def test_a_role_that_writes_every_zone_may_not_restore(lost, assume):
    assume("write", policy_for(lost.lake, *NAMESPACES))
    with pytest.raises(ConfigurationError, match="AWS refuses s3:GetObject"):
        restore_lake(lost, str(lost.backup.target), now)
