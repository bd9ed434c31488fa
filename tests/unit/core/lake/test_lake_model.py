"""Silver against a naive model: a dictionary of versions, filled one observation at a time."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from finks.lake import Lake
from hypothesis import given, settings
from hypothesis import strategies as st

TABLE = "fmp_daily_bars"
DAYS = range(6)


@dataclass(frozen=True)
class Answer:
    """One response: a symbol's closes by day; a whole one speaks for all days."""

    minutes: int
    symbol: str
    closes: dict[int, int]
    whole: bool

    @property
    def name(self) -> str:
        return f"r{self.minutes}"


@st.composite
def histories(draw, *, whole: bool) -> list[Answer]:
    count = draw(st.integers(1, 6))
    closes = st.dictionaries(st.sampled_from(DAYS), st.integers(1, 3), min_size=1, max_size=len(DAYS))
    return [
        Answer(minute, draw(st.sampled_from("AB")), draw(closes), whole and draw(st.booleans()))
        for minute in range(count)
    ]


def model(answers: list[Answer], at: int | None = None) -> dict[tuple[str, int], list[tuple[int, int | None]]]:
    """Per key its versions (minute, close); None is a retraction."""
    versions: dict[tuple[str, int], list[tuple[int, int | None]]] = {}
    for answer in sorted(answers, key=lambda a: a.minutes):
        if at is not None and answer.minutes > at:
            break
        live = {k for k, v in versions.items() if k[0] == answer.symbol and v[-1][1] is not None}
        lost = {k for k in live if k[1] not in answer.closes} if answer.whole else set()
        if len(lost) > max(3, 0.1 * len(live)):
            lost = set()
        observed = {(answer.symbol, day): close for day, close in answer.closes.items()} | dict.fromkeys(lost)
        for key, close in observed.items():
            line = versions.setdefault(key, [])
            if not line or line[-1][1] != close:
                line.append((answer.minutes, close))
    return versions


def write(lake: Lake, build, batch: list[Answer]) -> None:
    goods = [build.good(a.name, a.minutes, [(a.symbol, d, c) for d, c in a.closes.items()]) for a in batch]
    spans = build.spans(*((a.name, a.minutes, a.symbol, DAYS[0], DAYS[-1]) for a in batch if a.whole))
    silver = lake.silver(TABLE, build.contract, "fmp")
    silver.write_versions(pa.concat_tables(goods), run_id="run", spans=spans if spans.num_rows else None)


def stored(lake: Lake, build) -> dict:
    found: dict = {}
    for row in lake.history(TABLE).polars().iter_rows(named=True):
        minutes = int((row["_known_at"] - build.at(0)).total_seconds() // 60)
        key = (row["symbol"], (row["session"] - build.day(0)).days)
        found.setdefault(key, []).append((minutes, None if row["_retracted"] else int(row["close"])))
    return found


def current(dataset, build) -> dict:
    rows = dataset.polars().iter_rows(named=True)
    return {(row["symbol"], (row["session"] - build.day(0)).days): int(row["close"]) for row in rows}


def living(versions: dict) -> dict:
    return {key: line[-1][1] for key, line in versions.items() if line[-1][1] is not None}


def batches(answers: list[Answer], cuts: list[bool]) -> list[list[Answer]]:
    parts: list[list[Answer]] = [[]]
    for answer, cut in zip(answers, cuts, strict=False):
        if cut and parts[-1]:
            parts.append([])
        parts[-1].append(answer)
    return parts


def scratch_lake(folder: str) -> Lake:
    return Lake.open(Path(folder) / "lake", create=True)


cuts = st.lists(st.booleans(), min_size=6, max_size=6)


@settings(max_examples=12, deadline=None)
@given(answers=histories(whole=True), first=cuts, again=cuts, crash=st.integers(0, 6))
def test_silver_equals_the_model_for_any_batches_and_a_rerun_after_a_crash(build, answers, first, again, crash):
    with tempfile.TemporaryDirectory() as folder:
        lake = scratch_lake(folder)
        for batch in [*batches(answers, first)[:crash], *batches(answers, again)]:
            write(lake, build, batch)
        assert stored(lake, build) == model(answers)
        assert current(lake.latest(TABLE), build) == living(model(answers))


@settings(max_examples=10, deadline=None)
@given(answers=histories(whole=True), at=st.integers(0, 6))
def test_as_of_equals_the_model_at_that_time(build, answers, at):
    with tempfile.TemporaryDirectory() as folder:
        lake = scratch_lake(folder)
        write(lake, build, answers)
        assert current(lake.as_of(TABLE, build.at(at)), build) == living(model(answers, at))


@settings(max_examples=12, deadline=None)
@given(answers=histories(whole=False), order=st.randoms(use_true_random=False))
def test_batches_in_any_order_reach_the_model_once_bronze_is_read_without_a_late_version(build, answers, order):
    shuffled = list(answers)
    order.shuffle(shuffled)
    with tempfile.TemporaryDirectory() as folder:
        lake = scratch_lake(folder)
        for _ in range(len(answers) + 1):
            silver = lake.silver(TABLE, build.contract, "fmp")
            if silver.bookmark() is not None:
                break
            for answer in shuffled:
                rows = [(answer.symbol, day, close) for day, close in answer.closes.items()]
                silver.write_versions(build.good(answer.name, answer.minutes, rows), run_id="run")
            silver.advance(1, run_id="run")
        assert lake.silver(TABLE, build.contract, "fmp").bookmark() == 1
        assert stored(lake, build) == model(answers)
