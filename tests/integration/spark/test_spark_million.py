"""A million Bronze records: the two engines agree on every row."""

from __future__ import annotations

import pytest
from engines import assert_equal, by_spark, contents, in_process, states
from finks.lake import Lake

pytestmark = [pytest.mark.spark, pytest.mark.slow, pytest.mark.timeout(900)]


def test_a_million_records_are_refined_alike(spark, tmp_path, repository, monkeypatch):
    monkeypatch.syspath_prepend(str(repository / "bench"))
    from million import RECORDS, RESPONSES, STREAM, fill

    one, other = (Lake.open(tmp_path / name, create=True) for name in ("one", "other"))
    for lake in (one, other):
        fill(lake)
    ours, theirs = in_process(one, STREAM), by_spark(spark, other, STREAM, rows_per_task=100_000)
    assert RECORDS * RESPONSES == 1_000_000
    # Of the two bodies that cannot be read, each counts as one reject.
    assert theirs.read == ours.read == 1_000_000 - 2 * (RECORDS - 1)
    for name in ("good", "rejected", "duplicates", "new", "changed", "same", "retracted"):
        assert getattr(ours, name) == getattr(theirs, name) > 0, name
    assert_equal(one, other, STREAM.name)
    assert states(one, STREAM.name) == states(other, STREAM.name)
    assert set(contents(one, STREAM.name)["quarantine"]["rule"]) == {
        "decimal", "range", "date", "check:range", "malformed_body",
    }  # fmt: skip
