"""The decision about versions: the short way gives what the long way gives, and keys may be divided at will."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
from finks.lake.versions import Evidence, absent_keys, decide, first_load, observations, refused, weigh
from hypothesis import given
from hypothesis import strategies as st

KEY = ("symbol", "session")
START = datetime(2026, 1, 1, tzinfo=UTC)
TIME = pl.Datetime("us", "UTC")
GOOD = {
    "symbol": pl.String, "session": pl.Date, "_known_at": TIME, "_ordinal": pl.Int32, "_row_hash": pl.Int64,
    "_bronze_ref": pl.String,
}  # fmt: skip
SPANS = {"response_id": pl.String, "known_at": TIME, "key": pl.String, "min_event": pl.Date, "max_event": pl.Date}
STORED = {
    "symbol": pl.String, "session": pl.Date, "_known_at": TIME, "_seq": pl.Int32, "_row_hash": pl.Int64,
    "_retracted": pl.Boolean,
}  # fmt: skip

Answer = tuple[int, str, list[tuple[str, int, int]], bool]


def day(number: int) -> date:
    return date(2026, 1, 1) + timedelta(days=number)


@st.composite
def answers(draw) -> list[Answer]:
    """Minute, key, records (symbol, day, value), and whether the answer is whole. It may hold others' records."""
    record = st.tuples(st.sampled_from("AB"), st.integers(0, 12), st.integers(1, 2))
    records = st.lists(record, max_size=20, unique_by=lambda r: r[:2])
    count = draw(st.integers(1, 5))
    return [(draw(st.integers(0, 9)), draw(st.sampled_from(["A", "B", ""])), draw(records), draw(st.booleans()))
            for _ in range(count)]  # fmt: skip


def frames(given_answers: list[Answer], first: int = 0) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Candidates and spans."""
    good, spans = [], []
    for number, (minute, key, records, whole) in enumerate(given_answers, start=first):
        name, at = f"r{number}", START + timedelta(minutes=minute)
        good += [(symbol, day(n), at, place, value, name) for place, (symbol, n, value) in enumerate(records)]
        if whole:
            spans.append((name, at, key, day(0), day(12)))
    return (
        observations(pl.DataFrame(good, schema=GOOD, orient="row"), KEY),
        pl.DataFrame(spans, schema=SPANS, orient="row"),
    )


def written(before: list[Answer]) -> pl.DataFrame:
    """The versions that a table holds after some answers."""
    candidates, _ = frames(before, first=100)
    nothing = pl.DataFrame(schema=STORED)
    decision = decide(nothing, candidates, candidates.clear().select(*KEY, "_known_at", "_bronze_ref"), KEY)
    return candidates[decision.rows].with_columns(_retracted=False).select(STORED.keys())


def evidence(stored: pl.DataFrame, candidates: pl.DataFrame, spans: pl.DataFrame) -> Evidence:
    return weigh(stored, candidates, absent_keys(stored, candidates, spans, KEY, "session"), KEY)


def judged(found: Evidence, stored: pl.DataFrame, candidates: pl.DataFrame, without: list[str]) -> tuple[set, set]:
    """The versions and the retractions of a decision."""
    decision = decide(stored, candidates, found.believed(without), KEY)
    rows = candidates[decision.rows].drop("row")
    return set(rows.iter_rows()), set(decision.absences.iter_rows())


@given(answers())
def test_a_first_load_by_the_short_way_equals_the_long_way(batch):
    candidates, spans = frames(batch)
    short = first_load(candidates, spans, KEY, "session")
    if short is not None:
        nothing = pl.DataFrame(schema=STORED)
        found = evidence(nothing, candidates, spans)
        long = decide(nothing, candidates, found.believed(refused(found)[0]), KEY)
        assert set(candidates[short.rows].iter_rows()) == set(candidates[long.rows].iter_rows())
        assert (short.new, short.changed, short.same) == (long.new, long.changed, long.same)
        assert long.absences.is_empty()


def test_a_first_load_is_not_short_when_an_answer_lacks_another_ones_record():
    candidates, spans = frames([(1, "A", [("A", 1, 1), ("A", 2, 1)], False), (2, "A", [("A", 3, 1)], True)])
    assert first_load(candidates, spans, KEY, "session") is None


@given(before=answers(), batch=answers(), parts=st.integers(2, 5))
def test_sets_of_keys_decided_apart_equal_all_of_them_together(before, batch, parts):
    stored, (candidates, spans) = written(before), frames(batch)
    whole = evidence(stored, candidates, spans)
    names, suspicious = refused(whole)

    def part(frame: pl.DataFrame, number: int) -> pl.DataFrame:
        return frame.filter(pl.struct(KEY).hash() % parts == number)

    sets = [
        (part(stored, number), part(candidates, number).drop("row").with_row_index("row")) for number in range(parts)
    ]
    found = [evidence(*one, spans) for one in sets]
    absent = [one.absent.with_columns(pl.col("before").cast(pl.Int64) + (n << 32)) for n, one in enumerate(found)]
    present = pl.concat([one.present for one in found]).group_by("_bronze_ref").agg(pl.col("records").sum())
    together = Evidence(pl.concat(absent), present)
    assert (sorted(refused(together)[0]), refused(together)[1]) == (sorted(names), suspicious)
    decided = [judged(one, *rows, names) for one, rows in zip(found, sets, strict=True)]
    rows, absences = judged(whole, stored, candidates, names)
    assert set().union(*(one[0] for one in decided)) == rows
    assert set().union(*(one[1] for one in decided)) == absences
