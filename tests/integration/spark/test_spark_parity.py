"""Spark's tables are the in-process runner's, row for row and reason for reason."""

from __future__ import annotations

import pytest
from records import BARS, bar, response

pytestmark = pytest.mark.spark


def test_first_load_with_rejects_copies_and_a_malformed_body(engines):
    engines.land(
        BARS,
        [
            response("r1", 1, [bar("A", 0), bar("A", 0), bar("A", 1, "1_000"), bar("A", 2, 5, high=4)]),
            response("r2", 2, [bar("B", 0), bar("B", 1), bar("B", 1, 11), bar("B", 3, note="much too long")], key="B"),
            response("r3", 3, b'[{"symbol": "C"', key="C"),
            response("r4", 4, [bar("C", n, f"{n}.25", volume=None) for n in range(10)], key="C"),
        ],
    )
    ours, theirs = engines.refine(BARS)
    assert (theirs.read, theirs.good, theirs.rejected, theirs.duplicates) == (19, 12, 6, 1)
    assert (ours.read, ours.good, ours.rejected, ours.duplicates) == (19, 12, 6, 1)
    assert theirs.quarantined == 6
    assert theirs.new == 12
