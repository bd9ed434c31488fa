from __future__ import annotations

import pyarrow as pa
import pytest
from finks.errors import ConfigurationError
from finks.lake.content import content_hash
from finks.lake.gold import GoldZone
from hypothesis import given, settings
from hypothesis import strategies as st


def mart(*values: int) -> pa.Table:
    return pa.table({"day": pa.array(range(len(values)), pa.int64()), "value": pa.array(values, pa.int64())})


def publish(lake, **tables: pa.Table):
    return lake.publish(tables, run_id="run-1")


def values(dataset) -> list[int]:
    return dataset.arrow()["value"].to_pylist()


def test_nothing_is_served_before_the_first_release(lake):
    assert (lake.served_release(), lake.releases()) == (None, [])
    with pytest.raises(ConfigurationError):
        lake.gold("summary").arrow()


def test_a_release_is_served(lake):
    release = publish(lake, summary=mart(1, 2), detail=mart(3))
    assert (release.release_id, release.rows, release.unchanged) == (1, {"detail": 1, "summary": 2}, False)
    assert values(lake.gold("summary")) == [1, 2]
    assert lake.tables()["gold"] == ["detail", "summary"]


def test_equal_content_makes_no_release(lake):
    publish(lake, summary=mart(1, 2))
    again = publish(lake, summary=mart(1, 2).take([1, 0]))
    assert (again.unchanged, again.release_id, len(lake.releases())) == (True, 1, 1)


def test_marts_that_were_written_but_not_published_are_not_served(lake):
    publish(lake, summary=mart(1))
    tables = {"summary": mart(2)}
    hashes = {name: content_hash(rows) for name, rows in tables.items()}
    GoldZone(lake.catalog).write_marts(tables, hashes, run_id="killed")
    assert values(lake.gold("summary")) == [1]
    assert lake.sql("select value from gold.summary").arrow()["value"].to_pylist() == [1]
    assert publish(lake, summary=mart(2)).release_id == 2
    assert values(lake.gold("summary")) == [2]


def test_an_old_release_stays_readable_and_can_be_served_again(lake):
    publish(lake, summary=mart(1))
    publish(lake, summary=mart(2))
    assert values(lake.gold("summary", release=1)) == [1]
    assert lake.roll_back(1, run_id="run-3").release_id == 3
    assert values(lake.gold("summary")) == [1]


def test_a_mart_may_change_its_columns(lake):
    publish(lake, summary=mart(1))
    publish(lake, summary=pa.table({"value": ["text"], "more": [1.5]}))
    assert lake.gold("summary").arrow().to_pylist() == [{"value": "text", "more": 1.5}]
    assert lake.gold("summary", release=1).arrow().to_pylist() == [{"day": 0, "value": 1}]
    assert lake.sql("select value, more from gold.summary").arrow().to_pylist() == [{"value": "text", "more": 1.5}]


def test_an_empty_mart_is_served_empty(lake):
    publish(lake, summary=mart(1))
    publish(lake, summary=mart())
    assert lake.gold("summary").arrow().num_rows == 0
    assert lake.sql("select value from gold.summary").arrow().num_rows == 0


def test_a_mart_that_left_the_release_is_not_served(lake):
    publish(lake, summary=mart(1), detail=mart(2))
    publish(lake, summary=mart(1))
    with pytest.raises(ConfigurationError):
        lake.gold("detail").arrow()


def test_a_release_records_the_silver_that_it_was_built_of(lake, build):
    silver = lake.silver("fmp_daily_bars", build.contract, "fmp")
    silver.write_versions(build.good("r1", 0, [("AAPL", 1, 10)]), run_id="run-1")
    publish(lake, summary=mart(1))
    assert lake.releases()[0].silver_snapshots == {"fmp_daily_bars": silver.snapshot_id()}


rows = st.lists(st.tuples(st.one_of(st.none(), st.text(max_size=3)), st.one_of(st.none(), st.floats())), max_size=5)


def frame(data: list[tuple]) -> pa.Table:
    return pa.table(
        {"text": pa.array([r[0] for r in data], pa.string()), "number": pa.array([r[1] for r in data], pa.float64())}
    )


@settings(max_examples=100, deadline=None)
@given(data=rows, order=st.randoms(use_true_random=False))
def test_content_hash_does_not_depend_on_the_order_of_rows(data, order):
    shuffled = list(data)
    order.shuffle(shuffled)
    assert content_hash(frame(data)) == content_hash(frame(shuffled))


@settings(max_examples=100, deadline=None)
@given(one=rows, two=rows)
def test_content_hash_tells_different_content_apart(one, two):
    same = sorted(map(repr, one)) == sorted(map(repr, two))
    assert (content_hash(frame(one)) == content_hash(frame(two))) == same
