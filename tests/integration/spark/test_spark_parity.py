"""Spark's tables are the in-process runner's, row for row and reason for reason."""

from __future__ import annotations

import tempfile
from pathlib import Path

import polars as pl
import pytest
from engines import Engines, contents
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from records import BARS, BELIEVED, SECURITIES, TICKS, bar, response

pytestmark = pytest.mark.spark


def test_rejects_copies_and_a_malformed_body_on_a_first_load(engines):
    engines.land(
        BARS,
        [
            response("r1", 1, [bar("A", 0), bar("A", 0), bar("A", 1, "1_000"), bar("A", 2, 5, high=4)]),
            response("r2", 2, [bar("B", 0), bar("B", 1), bar("B", 1, 11), bar("B", 3, note="much too long")], key="B"),
            response("r3", 3, b'[{"symbol": "C"', key="C"),
            response("r4", 4, [bar("C", n, f"{n}.25", volume=None) for n in range(10)], key="C"),
            response("r5", 5, [], key="C", outcome="failed"),
        ],
    )
    ours, theirs = engines.refine(BARS)
    assert (ours.read, ours.good, ours.rejected, ours.duplicates) == (19, 12, 6, 1)
    assert (theirs.read, theirs.good, theirs.rejected, theirs.duplicates) == (19, 12, 6, 1)
    assert (theirs.quarantined, theirs.new) == (6, 12)
    rules = {"decimal", "check:range", "key_conflict", "length", "malformed_body"}
    assert set(contents(engines.other, BARS.name)["quarantine"]["rule"]) == rules


def test_restatements_and_retractions(engines):
    engines.land(BARS, [response("r1", 1, [bar("A", n) for n in range(10)])])
    engines.refine(BARS)
    engines.land(
        BARS,
        [
            response("r2", 2, [bar("A", n, 11 if n == 4 else 10) for n in range(9)]),
            response("r3", 3, [bar("A", n, 12 if n == 4 else 10) for n in range(10)]),
        ],
    )
    ours, theirs = engines.refine(BARS)
    assert (theirs.changed, theirs.retracted, theirs.same) == (3, 1, 16)
    assert (ours.changed, ours.retracted, ours.same) == (3, 1, 16)


def test_a_late_answer_makes_both_read_everything_again(engines):
    engines.land(BARS, [response("r1", 10, [bar("A", 0, 1)]), response("r2", 20, [bar("A", 0, 1)])])
    engines.refine(BARS)
    engines.land(BARS, [response("r3", 15, [bar("A", 0, 2)])])
    _, theirs = engines.refine(BARS)
    assert theirs.late == 1
    engines.land(BARS, [response("r4", 30, [bar("B", 0, 2)], key="B")])
    _, theirs = engines.refine(BARS)
    assert theirs.responses == 4
    versions = contents(engines.other, BARS.name)["silver"].filter(pl.col("symbol") == "A").sort("_known_at")
    assert [int(value) for value in versions["low"]] == [1, 2, 1]


def security(number: int, name: str = "one") -> dict[str, object]:
    return {"symbol": f"S{number:02}", "name": name, "shares": number}


@pytest.mark.parametrize(("stream", "retracted", "suspicious"), [(SECURITIES, 0, 20), (BELIEVED, 20, 0)])
def test_a_whole_answer_is_judged_across_tasks(engines, stream, retracted, suspicious):
    """Its records are decided about by several tasks, its losses by one guard."""
    whole = {"key": "", "window": None}
    engines.land(stream, [response("r1", 1, [security(n) for n in range(40)], **whole)])
    engines.refine(stream)
    engines.land(stream, [response("r2", 2, [security(n, "two") for n in range(3, 40)], **whole)])
    _, theirs = engines.refine(stream)
    assert (theirs.retracted, theirs.suspicious, theirs.changed) == (3, 0, 37)
    engines.land(stream, [response("r3", 3, [security(n, "two") for n in range(23, 40)], **whole)])
    _, theirs = engines.refine(stream)
    assert (theirs.retracted, theirs.suspicious) == (retracted, suspicious)


def test_an_event_time_may_be_an_instant(engines):
    def tick(minute: int, low: int) -> dict[str, object]:
        return {"symbol": "A", "at": f"2025-12-31T23:{minute:02}:00.000001+01:00", "low": low}

    engines.land(TICKS, [response("r1", 1, [tick(n, 1) for n in range(10)])])
    engines.refine(TICKS)
    engines.land(TICKS, [response("r2", 2, [tick(n, 1 + (n == 4)) for n in range(1, 10) if n != 6])])
    _, theirs = engines.refine(TICKS)
    assert (theirs.changed, theirs.retracted, theirs.same) == (1, 1, 7)


def test_what_changed_nothing_moves_the_bookmark(engines):
    engines.land(BARS, [response("r1", 1, [bar("A", 0)])])
    engines.refine(BARS)
    engines.land(BARS, [response("r2", 2, b"", outcome="unchanged")])
    _, theirs = engines.refine(BARS)
    assert theirs.responses == 0
    _, theirs = engines.refine(BARS)
    assert theirs.responses == 0


VALUES = st.sampled_from([10, 11, 12, "1_000", -1, None, "1e400"])


@st.composite
def answers(draw, number: int, minutes: list[int]):
    """A response of one symbol; it may carry another one's record, break rules or not parse."""
    name, symbol = f"r{number:02}", draw(st.sampled_from("AB"))
    minute = draw(st.sampled_from(minutes))
    if draw(st.integers(0, 9)) == 0:
        return response(name, minute, b'[{"symbol":', key=symbol)
    kept = draw(st.lists(st.integers(0, 24), unique=True, min_size=1, max_size=25))
    clean = draw(st.booleans())
    records = [bar(symbol, day, 10 if clean else draw(VALUES)) for day in kept]
    if draw(st.booleans()):
        records.append(bar(draw(st.sampled_from("AB")), draw(st.integers(0, 24)), draw(VALUES)))
    return response(name, minute, records, key=symbol, window=(0, 24), page=draw(st.integers(0, 1)))


@st.composite
def increments(draw):
    """Up to three refinements' worth of responses, some later than they should be, some at one instant."""
    number, parts = 0, []
    for _ in range(draw(st.integers(2, 3))):
        size = draw(st.integers(1, 6))
        parts.append([draw(answers(number + n, list(range(30)))) for n in range(size)])
        number += size
    return parts


@pytest.mark.slow
@pytest.mark.timeout(900)
@given(parts=increments())
@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], print_blob=True)
def test_any_history_gives_the_same_tables(spark, parts):
    with tempfile.TemporaryDirectory() as folder:
        engines = Engines(spark, Path(folder))
        for part in parts:
            engines.land(BARS, part)
            engines.refine(BARS)
