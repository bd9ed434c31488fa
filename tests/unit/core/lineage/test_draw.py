"""Drawings: every dataset and every edge is there, and no name breaks out of its quotes."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from finks.lineage.draw import mermaid, tree
from finks.lineage.graph import Graph
from finks.lineage.model import Edge
from hypothesis import given
from hypothesis import strategies as st

AT = datetime(2026, 1, 1, tzinfo=UTC)
NODE = re.compile(r'^        (n\d+)\["((?:[^"#]|#\d+;)*)"\]$')
LINK = re.compile(r"^    (n\d+) --> (n\d+)$")


def graph(start: str, pairs: list[tuple[str, str]], columns=None) -> Graph:
    return Graph(start, columns, tuple(Edge(s, t, "job", "1", AT, {"x": ("y",)}) for s, t in pairs), ())


def read(text: str) -> tuple[dict[str, str], set[tuple[str, str]]]:
    """Mermaid's flowchart as its grammar reads it: nodes by id, and links between declared ones."""
    first, *lines = text.splitlines()
    assert first == "flowchart LR"
    nodes, links, depth = {}, set(), 0
    for line in lines:
        if found := NODE.match(line):
            assert depth == 1
            nodes[found[1]] = re.sub(r"#(\d+);", lambda code: chr(int(code[1])), found[2])
        elif found := LINK.match(line):
            links.add((nodes[found[1]], nodes[found[2]]))
        elif line.startswith("    subgraph "):
            depth += 1
        elif line == "    end":
            depth -= 1
        else:
            assert re.match(r"^    style n\d+ stroke-width:3px$", line)
    assert depth == 0
    return nodes, links


@given(st.lists(st.tuples(*[st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1)] * 2)))
def test_mermaid_names_every_dataset_and_edge_whatever_the_names(pairs):
    nodes, links = read(mermaid(graph("gold.a", pairs)))
    assert set(nodes.values()) == {"gold.a"}.union(*pairs)
    assert len(nodes) == len(set(nodes.values()))
    assert links == set(pairs)


def test_each_zone_has_its_box():
    text = mermaid(graph("gold.a", [("build.a", "gold.a"), ("silver.b", "build.a"), ("https://x/y", "bronze.b")]))
    assert re.findall(r"subgraph (\w+)", text) == ["sources", "bronze", "silver", "build", "gold"]


def test_a_tree_shows_a_shared_branch_once():
    text = tree(graph("d", [("b", "d"), ("c", "d"), ("a", "b"), ("a", "c"), ("z", "a")]))
    assert text.splitlines() == [
        "d", "upstream", "├── b", "│   └── a", "│       └── z", "└── c", "    └── a (above)", "downstream",
        "└── nothing",
    ]  # fmt: skip


def test_a_tree_of_columns_names_them():
    assert "└── b [y]" in tree(graph("d", [("b", "d")], frozenset({"x"})))


def test_a_cycle_is_drawn_to_its_end():
    assert tree(graph("a", [("b", "a"), ("a", "b")])).splitlines()[1:4] == ["upstream", "└── b", "    └── a (above)"]
