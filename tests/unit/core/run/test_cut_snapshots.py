"""A snapshot that the vendor cuts at so many rows tells nothing of what is beyond them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from finks.lake import Lake
from replaying import WIDE, body, land, latest, refine, response

CUT_AT_THREE = replace(WIDE, max_rows=3)


@pytest.fixture
def days(tmp_path: Path):
    """The days that are left after answers with records of these days."""

    def left(*answers: set[int]) -> set[int]:
        lake = Lake.open(tmp_path / "lake", create=True)
        land(lake, [response(n, body(dict.fromkeys(answer, 1))) for n, answer in enumerate(answers)])
        refine(lake, CUT_AT_THREE)
        return {day for _, day in latest(lake)}

    return left


def test_a_record_that_newer_ones_pushed_out_stays(days):
    assert days({0, 1, 2}, {1, 2, 3}) == {0, 1, 2, 3}


def test_a_record_that_is_missing_between_others_is_retracted(days):
    assert days({0, 1, 2}, {1, 3, 4}) == {0, 1, 3, 4}


def test_a_whole_answer_retracts_what_it_lacks(days):
    assert days({0, 1, 2}, {1, 2}) == {1, 2}


def test_an_empty_answer_is_whole(days):
    assert days({0}, set()) == set()
