"""The key document in S3: no change undoes another, and what AWS refuses is said."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from finks.errors import ConfigurationError, ConflictError
from finks.testing.aws_proxy import denied, failing, lost_answer, reset
from finks_api.keys.edit import add_key, read_document, revoke_key
from finks_api.keys.place import KeyPlace, key_place
from finks_api.keys.store import FRESH, DocumentKeys

pytestmark = pytest.mark.aws

BUCKET = "finks-test"
NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def place(aws, request) -> KeyPlace:
    return key_place(f"s3://{BUCKET}/{request.node.name}/api-keys.json")


def found(keys: DocumentKeys, key: str):
    return asyncio.run(keys.find(key))


def test_a_key_in_s3_is_known_until_it_is_revoked(place):
    now = NOW
    key, entry = add_key(place, name="Ann", now=now)
    keys = DocumentKeys(place, clock=lambda: now)
    assert found(keys, key).key_id == entry.id
    revoke_key(place, entry.id)
    now += FRESH
    assert found(keys, key) is None


def test_nothing_in_the_bucket_holds_the_key(place):
    key, _ = add_key(place, name="Ann", now=NOW)
    client = boto3.client("s3")
    names = [item["Key"] for item in client.list_objects_v2(Bucket=BUCKET)["Contents"]]
    bodies = [client.get_object(Bucket=BUCKET, Key=name)["Body"].read() for name in names]
    assert bodies
    assert not any(key[5:30].encode() in body for body in bodies)


def test_changes_at_the_same_time_are_kept_or_told(place):
    def added(number: int) -> str | None:
        try:
            return add_key(place, name=str(number), now=NOW)[1].id
        except ConflictError:
            return None

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(added, range(12)))
    assert any(made)
    assert {entry.id for entry in read_document(place).keys} == {each for each in made if each}


@pytest.mark.parametrize("fault", [failing(), denied(), reset()])
def test_while_s3_does_not_give_the_document_the_last_good_one_counts(place, proxy, fault):
    now = NOW
    proxied = key_place(place.address)
    key, entry = add_key(proxied, name="Ann", now=now)
    keys = DocumentKeys(proxied, clock=lambda: now)
    revoke_key(place, entry.id)
    proxy.rule(fault, service="s3", operation="GetObject")
    now += timedelta(minutes=1)
    assert found(keys, key) is not None


def test_a_key_whose_answer_was_lost_is_made_once(place, proxy):
    proxy.rule(lost_answer(), service="s3", operation="PutObject", times=1)
    _, entry = add_key(key_place(place.address), name="Ann", now=NOW)
    assert proxy.faults
    assert [kept.id for kept in read_document(place).keys] == [entry.id]


def test_a_bucket_that_is_not_there_is_named(aws):
    with pytest.raises(ConfigurationError, match="bucket"):
        add_key(key_place("s3://finks-nowhere/k.json"), name="Ann", now=NOW)


@pytest.mark.parametrize("address", ["s3://", "s3://bucket", "s3://bucket/", "s3://bucket/folder/"])
def test_an_address_without_an_object_is_refused(aws, address):
    with pytest.raises(ConfigurationError, match="s3://bucket/key"):
        key_place(address)
