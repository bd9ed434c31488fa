"""What a lake in a directory does, on S3 and Glue."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta

import boto3
import finks
import pyarrow as pa
import pytest
from finks.errors import ConfigurationError
from finks.lake import Lake
from finks.lake.place import place_of

pytestmark = pytest.mark.aws

BUCKET = "finks-test"


@pytest.fixture
def address(new_lake) -> str:
    return str(new_lake().path)


@pytest.fixture
def lake(new_lake) -> Lake:
    return Lake.open(new_lake().place(), create=True)


def marts(*values: int) -> dict[str, pa.Table]:
    return {"summary": pa.table({"value": pa.array(values, pa.int64())})}


def key(lake: Lake, name: str) -> str:
    return f"{lake.place.address.removeprefix(f's3://{BUCKET}/')}/{name}"


def test_a_lake_opens_by_its_address_alone_once_it_is_made(lake):
    again = finks.open(lake.place.address)
    assert again.tables() == {"bronze": [], "silver": [], "quarantine": [], "gold": []}


def test_a_place_without_a_lake_says_so(address):
    with pytest.raises(ConfigurationError, match="There is no lake here"):
        finks.open(address)


def test_looking_makes_nothing(address):
    assert Lake.look(address).tables()["bronze"] == []
    assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=f"{address[5:].split('/')[1]}/")


def test_a_prefix_that_holds_something_else_is_refused(address):
    boto3.client("s3").put_object(Bucket=BUCKET, Key=f"{address.split('/', 3)[3]}/photo.jpg", Body=b"x")
    with pytest.raises(ConfigurationError, match="not empty"):
        Lake.open(address, create=True)


def test_a_bucket_that_is_not_there_is_named(aws):
    with pytest.raises(ConfigurationError, match="no such bucket"):
        Lake.open("s3://no-such-bucket-here/lake", create=True)


def test_a_database_of_another_lake_is_refused(new_lake):
    first, second = new_lake(), new_lake()
    Lake.open(first.place(), create=True)
    place = place_of(str(second.path), database_prefix=first.database_prefix)
    with pytest.raises(ConfigurationError, match=r"lake\.database_prefix"):
        Lake.open(place, create=True)


def test_a_lake_remembers_its_prefix_and_refuses_another(lake):
    with pytest.raises(ConfigurationError, match=r"lake\.database_prefix"):
        place_of(lake.place.address, database_prefix="other_").open()


def test_a_copy_of_a_lake_is_refused(lake, address):
    client = boto3.client("s3")
    marker = client.get_object(Bucket=BUCKET, Key=key(lake, "lake.json"))["Body"].read()
    client.put_object(Bucket=BUCKET, Key=f"{address.split('/', 3)[3]}/lake.json", Body=marker)
    with pytest.raises(ConfigurationError, match="made elsewhere"):
        finks.open(address)


def test_of_many_that_make_a_lake_at_once_all_open_the_same_one(new_lake):
    settings, opened, together = new_lake(), [], threading.Barrier(6)

    def make() -> None:
        together.wait()
        opened.append(Lake.open(settings.place(), create=True))

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 6


def test_a_small_file_of_the_lake_is_kept(lake):
    lake.place.keep("runs/one.json", json.dumps({"a": 1}))
    assert boto3.client("s3").get_object(Bucket=BUCKET, Key=key(lake, "runs/one.json"))["Body"].read() == b'{"a": 1}'


def test_what_a_lake_keeps_is_read_and_listed_by_its_name(lake):
    assert (lake.place.kept("runs/b.json"), lake.place.kept_names("runs/")) == (None, [])
    for name in ("runs/b.json", "runs/a.json", "other/c.json"):
        lake.place.keep(name, f"I am {name}")
    assert lake.place.kept("runs/b.json") == "I am runs/b.json"
    assert lake.place.kept_names("runs/") == ["runs/a.json", "runs/b.json"]


def test_gold_is_served_by_release_and_an_old_one_stays_readable(lake):
    lake.publish(marts(1), run_id="run-1")
    lake.publish(marts(2), run_id="run-2")
    assert lake.gold("summary").arrow()["value"].to_pylist() == [2]
    assert lake.gold("summary", release=1).arrow()["value"].to_pylist() == [1]
    assert lake.sql("select value from gold.summary").arrow()["value"].to_pylist() == [2]
    lake.roll_back(1, run_id="run-3")
    assert lake.sql("select value from gold.summary").arrow()["value"].to_pylist() == [1]


def test_a_query_takes_parameters(lake):
    lake.publish(marts(1, 2, 3), run_id="run-1")
    found = lake.sql("select count(*) as n from gold.summary where value > ?", parameters=[1])
    assert found.arrow()["n"].to_pylist() == [2]


@pytest.mark.parametrize(
    "file",
    ["/etc/hostname", f"s3://{BUCKET}/secret.csv", f"finks://{BUCKET}/secret.csv", "finks://{inside}/../../secret.csv"],
)
def test_a_query_opens_no_file_but_the_lakes_own(lake, file):
    boto3.client("s3").put_object(Bucket=BUCKET, Key="secret.csv", Body=b"a\n1\n")
    path = file.format(inside=lake.place.address.removeprefix("s3://") + "/bronze")
    with pytest.raises(ConfigurationError, match=r"Permission|not a file of the lake"):
        lake.sql(f"select * from read_csv('{path}')").arrow()


def test_a_query_writes_nothing_into_the_lake(lake):
    target = f"finks://{lake.place.address.removeprefix('s3://')}/x.csv"
    with lake.duckdb() as connection, pytest.raises(Exception, match="read only"):
        connection.execute(f"copy (select 1) to '{target}'")


def test_upkeep_merges_files_forgets_snapshots_and_deletes_what_nothing_refers_to(lake):
    for number in range(3):
        lake.publish(marts(number), run_id=f"run-{number}")
    orphan = key(lake, "gold/summary/data/orphan.parquet")
    boto3.client("s3").put_object(Bucket=BUCKET, Key=orphan, Body=b"x")
    later = Lake.open(lake.place, clock=lambda: datetime.now(UTC) + timedelta(days=7))
    assert later.compact() == {}
    assert later.expire(keep_releases=1)["gold.summary"] > 1
    assert lake.gold("summary").arrow()["value"].to_pylist() == [2]
    assert later.expire(keep_releases=1)["gold.summary"] == 0
    assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=orphan)


def test_a_name_that_the_lake_does_not_have_lists_those_that_it_has(lake):
    lake.publish(marts(1), run_id="run-1")
    with pytest.raises(ConfigurationError, match=r"gold\.summary"):
        lake.gold("nothing").arrow()
