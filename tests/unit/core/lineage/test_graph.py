"""The graph in its index: what is reached is what can be reached, however the edges came."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from finks.errors import ConfigurationError
from finks.lineage.edges import Happening
from finks.lineage.graph import walk
from finks.lineage.model import Edge
from finks.lineage.sqlite_index import SqliteIndex
from hypothesis import given
from hypothesis import strategies as st

START = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = st.sampled_from("abcdefg")
COLUMNS = st.none() | st.dictionaries(st.sampled_from("xyz"), st.sets(st.sampled_from("xyz"), min_size=1).map(tuple))
# One job for each pair, so that no edge takes the place of another.
EDGES = st.dictionaries(st.tuples(NAMES, NAMES), COLUMNS, max_size=20).map(
    lambda found: [Edge(s, t, f"job.{s}{t}", "run", START, columns) for (s, t), columns in found.items()]
)
ALL = None


def indexed(folder: str, edges: list[Edge]) -> SqliteIndex:
    index = SqliteIndex(Path(folder) / "lineage.db")
    index.add([], edges)
    return index


def reached(edges: list[Edge], start: str, columns: set[str] | None) -> set[tuple[str, str | None]]:
    """(dataset, column) pairs upstream, one step at a time until nothing is new; a column None is all of them."""
    found: set[tuple[str, str | None]] = {(start, ALL)} if columns is None else {(start, name) for name in columns}
    while True:
        more = set(found)
        for edge in edges:
            for dataset, column in found:
                if dataset == edge.target and (column is ALL or edge.columns is None):
                    more.add((edge.source, ALL))
                elif dataset == edge.target:
                    more |= {(edge.source, name) for name in edge.columns.get(column, ())}
        if more == found:
            return found
        found = more


@given(EDGES, NAMES)
def test_up_and_downstream_are_the_closure_of_the_edges(edges, start):
    with TemporaryDirectory() as folder:
        graph = walk(indexed(folder, edges), start)
    backwards = [replace(edge, source=edge.target, target=edge.source, columns=None) for edge in edges]
    up = {name for name, _ in reached(edges, start, None)}
    down = {name for name, _ in reached(backwards, start, None)}
    assert {edge.source for edge in graph.upstream} | {start} == up
    assert {edge.target for edge in graph.downstream} | {start} == down
    assert {(e.source, e.target) for e in graph.upstream} == {(e.source, e.target) for e in edges if e.target in up}


@given(EDGES, NAMES, st.sets(st.sampled_from("xyz"), min_size=1))
def test_columns_narrow_the_closure_to_what_their_values_come_from(edges, start, columns):
    with TemporaryDirectory() as folder:
        graph = walk(indexed(folder, edges), start, columns)
    assert {edge.source for edge in graph.upstream} | {start} == {n for n, _ in reached(edges, start, columns)}


@given(EDGES, st.integers(0, 20))
def test_taking_the_same_edges_again_or_older_ones_changes_nothing(edges, cut):
    with TemporaryDirectory() as folder:
        index = indexed(folder, edges)
        before = [index.upstream(name) for name in "abcdefg"]
        index.add([], edges)
        index.add([], [replace(e, run_id="older", at=e.at - timedelta(1)) for e in edges[:cut]])
        assert [index.upstream(name) for name in "abcdefg"] == before


def test_a_later_run_of_a_job_takes_the_place_of_its_edges(tmp_path):
    index = SqliteIndex(tmp_path / "lineage.db")
    index.add([], [Edge("a", "c", "job", "1", START), Edge("b", "c", "job", "1", START)])
    index.add([], [Edge("b", "c", "job", "2", START + timedelta(1))])
    assert [(edge.source, edge.run_id) for edge in index.upstream("c")] == [("b", "2")]
    assert index.downstream("a") == []


def test_what_happened_in_a_run_is_kept_once(tmp_path):
    index = SqliteIndex(tmp_path / "lineage.db")
    told = [Happening("1", "ingest.a", kind, START) for kind in ("START", "COMPLETE")]
    index.add(told, [])
    index.add(told, [])
    assert index.run("1") == told


def test_a_cleared_index_knows_nothing(tmp_path):
    index = SqliteIndex(tmp_path / "lineage.db")
    index.add([Happening("1", "job", "START", START)], [Edge("a", "b", "job", "1", START)])
    index.clear()
    assert (index.datasets(), index.run("1")) == ([], [])


def test_a_damaged_index_says_how_to_make_it_again(tmp_path):
    (tmp_path / "lineage.db").write_text("not a database" * 100)
    with pytest.raises(ConfigurationError, match="cannot be used") as error:
        SqliteIndex(tmp_path / "lineage.db").datasets()
    assert "--rebuild" in str(error.value)
