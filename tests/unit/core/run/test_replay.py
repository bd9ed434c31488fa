"""A replay after a correction gives the tables that the corrected contract would have made from the start."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from finks.lake import Lake
from hypothesis import given, settings
from hypothesis import strategies as st
from replaying import NARROW, TABLE, WIDE, body, history, land, latest, refine, replay, response

DAYS = range(3)
"""So few that no answer can lack more records than are believed."""


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.open(tmp_path / "lake", create=True)


def landed(lake: Lake, *bodies: bytes) -> None:
    land(lake, [response(minute, content) for minute, content in enumerate(bodies)])


def test_a_record_that_is_good_now_becomes_a_version_at_the_time_of_its_response(lake):
    landed(lake, body({0: 3, 1: 7}))
    refine(lake, NARROW)
    done = replay(lake, WIDE)
    assert latest(lake) == {("A", 0): 3, ("A", 1): 7}
    assert lake.as_of(TABLE, response(0, b"")["fetched_at"]).polars().height == 2
    assert (done.new, done.same, done.resolved, done.open_after) == (1, 1, 1, 0)


def test_a_newer_version_of_the_key_stays_the_newest(lake):
    landed(lake, body({0: 7}), body({0: 2}))
    refine(lake, NARROW)
    replay(lake, WIDE)
    assert latest(lake) == {("A", 0): 2}
    assert lake.history(TABLE).polars()["close"].cast(int).to_list() == [7, 2]


def test_a_value_that_came_back_after_the_rejected_one_is_a_version_again(lake):
    landed(lake, body({0: 2}), body({0: 7}), body({0: 2}))
    refine(lake, NARROW)
    replay(lake, WIDE)
    assert latest(lake) == {("A", 0): 2}
    assert lake.history(TABLE).polars()["close"].cast(int).to_list() == [2, 7, 2]


def test_a_record_that_a_later_answer_lacks_is_retracted(lake):
    landed(lake, body({0: 2, 1: 7}), body({0: 2}))
    refine(lake, NARROW)
    done = replay(lake, WIDE)
    assert latest(lake) == {("A", 0): 2}
    assert done.retracted == 1


def test_a_body_that_still_cannot_be_read_has_not_landed(lake):
    landed(lake, b"symbol;session;close")
    refine(lake, NARROW)
    assert replay(lake, WIDE).judged_again == 1
    assert lake.quarantine_table(TABLE).malformed() == {"r000"}


def test_resolved_rejects_stay_and_say_by_which_run(lake):
    landed(lake, body({0: 7, 1: 99}))
    refine(lake, NARROW)
    replay(lake, WIDE)
    shown = lake.quarantine(TABLE).polars()
    assert shown.select("ordinal", "contract_version").rows() == [(1, "1.1")]
    everything = lake.quarantine(TABLE, resolved=True).polars().sort("ordinal", "contract_version")
    assert everything.select("ordinal", "contract_version", "resolution", "resolved_run").rows() == [
        (0, "1.0", "good", "replay"),
        (1, "1.0", "judged again", "replay"),
        (1, "1.1", None, None),
    ]


def test_a_corrected_connector_frees_what_the_same_contract_rejected(lake):
    wrong = replace(NARROW, rename={"price": "close"})
    landed(lake, body({0: 3}))
    refine(lake, wrong)
    assert replay(lake, wrong).open_after == 1
    assert replay(lake, NARROW).open_after == 0
    assert latest(lake) == {("A", 0): 3}


def test_the_counts_balance(lake):
    landed(lake, body({0: 7, 1: 99, 2: 3}), body({0: 4}), body({1: "x"}))
    refine(lake, NARROW)
    done = replay(lake, WIDE)
    assert done.read == done.good + done.rejected + done.duplicates == 4
    assert done.open_after == done.open_before + done.quarantined - done.resolved - done.judged_again == 2


def test_a_second_replay_does_nothing(lake):
    landed(lake, body({0: 7, 1: 99}))
    refine(lake, NARROW)
    replay(lake, WIDE)
    snapshots = lake.silver_snapshots()
    again = replay(lake, WIDE)
    assert (again.resolved, again.judged_again, again.quarantined, again.reread) == (0, 0, 0, 0)
    assert lake.silver_snapshots() == snapshots


def test_a_rule_chooses_the_responses(lake):
    landed(lake, body({0: "x"}), body({1: 7}))
    refine(lake, NARROW)
    rules = {row["rule"] for row in lake.quarantine(TABLE).polars().iter_rows(named=True)}
    number = next(rule for rule in rules if "le" in rule or "range" in rule)
    done = replay(lake, WIDE, rule=number)
    assert (done.responses, done.resolved, done.open_after) == (1, 1, 1)


def test_gold_is_free_when_what_the_last_refinement_rejected_came_right(lake):
    landed(lake, body({0: 3, 1: 7}))
    assert refine(lake, NARROW).share_rejected == 0.5
    assert replay(lake, WIDE).share_rejected == 0
    assert refine(lake, WIDE).share_rejected == 0


def test_gold_waits_for_the_rest_of_the_last_refinement_only(lake):
    landed(lake, body({0: 99}))
    refine(lake, NARROW)
    land(lake, [response(5, body({0: 3, 1: 7, 2: 8, 3: 99}))])
    assert refine(lake, NARROW).share_rejected == 0.75
    assert replay(lake, WIDE).share_rejected == 0.25


def test_what_bronze_still_holds_unread_is_refined_first(lake):
    landed(lake, body({0: 7}))
    refine(lake, NARROW)
    land(lake, [response(5, body({0: 1}))])
    done = replay(lake, WIDE)
    assert done.refined is not None
    assert done.refined.read == 1
    assert latest(lake) == {("A", 0): 1}
    assert refine(lake, WIDE).read == 0, "the bookmark has not moved back"


def test_a_stream_without_silver_has_nothing_to_replay(lake):
    assert replay(lake, WIDE).responses == 0


Answers = list[tuple[str, dict[int, int]]]
answers = st.lists(
    st.tuples(st.sampled_from("AB"), st.dictionaries(st.sampled_from(DAYS), st.integers(4, 10), max_size=3)),
    min_size=1,
    max_size=6,
)


def contents(folder: Path, given_answers: Answers, cuts: list[bool], *, wide_from: int, authoritative: bool) -> list:
    """The history of a lake whose contract was corrected before the refinement of that number, and then replayed."""
    lake = Lake.open(folder, create=True)
    narrow, wide = (replace(stream, authoritative=authoritative) for stream in (NARROW, WIDE))
    refined = 0
    for minute, ((symbol, closes), cut) in enumerate(zip(given_answers, cuts, strict=False)):
        land(lake, [response(minute, body(closes, symbol), symbol)])
        if cut:
            refine(lake, wide if refined >= wide_from else narrow)
            refined += 1
    if refined < wide_from:
        refine(lake, narrow)
    replay(lake, wide)
    refine(lake, wide)
    return [history(lake), latest(lake), replay(lake, wide).open_after]


@settings(max_examples=25, deadline=None)
@given(
    given_answers=answers,
    cuts=st.lists(st.booleans(), min_size=6, max_size=6),
    corrected=st.integers(1, 7),
    authoritative=st.booleans(),
)
def test_a_replay_gives_what_the_corrected_contract_would_have_made(given_answers, cuts, corrected, authoritative):
    with tempfile.TemporaryDirectory() as folder:
        fixed = contents(Path(folder) / "fixed", given_answers, cuts, wide_from=0, authoritative=authoritative)
        late = contents(Path(folder) / "late", given_answers, cuts, wide_from=corrected, authoritative=authoritative)
    assert late == fixed
