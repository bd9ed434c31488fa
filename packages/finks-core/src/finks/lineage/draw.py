"""A lineage graph as text, for a terminal, and as Mermaid, for a page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from finks.lake.catalog import NAMESPACES
from finks.lineage.graph import Graph
from finks.lineage.model import Edge
from finks.lineage.naming import BUILD

_ESCAPES: Mapping[int, str] = str.maketrans(
    {character: f"#{ord(character)};" for character in '"#&<>`|[]{}()\\;'} | {"\n": " "}
)
"""What Mermaid would read as its own (mermaid.js.org, flowcharts: entity codes)."""

_SOURCES = "sources"


def tree(graph: Graph) -> str:
    """Two trees, of what is upstream and of what is downstream. What was shown before is not shown again, but named.

    With columns asked for, those that count stand beside each dataset.
    """
    title = graph.dataset if graph.columns is None else f"{graph.dataset} {_listed(graph.columns)}"
    up = _branches(graph, graph.upstream, lambda edge: (edge.target, edge.source), _of_source)
    down = _branches(graph, graph.downstream, lambda edge: (edge.source, edge.target), _of_target)
    return "\n".join([title, "upstream", *(up or ["└── nothing"]), "downstream", *(down or ["└── nothing"])])


def _branches(
    graph: Graph,
    edges: Sequence[Edge],
    ends: Callable[[Edge], tuple[str, str]],
    columns: Callable[[Edge], Iterable[str]],
) -> list[str]:
    children: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for edge in edges:
        near, far = ends(edge)
        children[near][far].update(columns(edge))
    shown = {graph.dataset}

    def below(name: str, indent: str) -> Iterator[str]:
        found = sorted(children[name].items()) if name in children else []
        for number, (child, names) in enumerate(found, start=1):
            last = number == len(found)
            again = child in shown and child in children
            shown.add(child)
            note = f" {_listed(names)}" if graph.columns is not None and names else ""
            yield f"{indent}{'└── ' if last else '├── '}{child}{note}{' (above)' if again else ''}"
            if not again:
                yield from below(child, f"{indent}{'    ' if last else '│   '}")

    return list(below(graph.dataset, ""))


def _of_source(edge: Edge) -> Iterable[str]:
    return {name for found in (edge.columns or {}).values() for name in found}


def _of_target(edge: Edge) -> Iterable[str]:
    return set(edge.columns or {})


def _listed(names: Iterable[str]) -> str:
    return f"[{', '.join(sorted(names))}]"


def mermaid(graph: Graph) -> str:
    """A Mermaid flowchart, from left to right, each zone in a box of its own."""
    numbers = {name: f"n{number}" for number, name in enumerate(sorted(graph.datasets))}
    zones: dict[str, list[str]] = defaultdict(list)
    for name in numbers:
        zones[_zone(name)].append(name)
    lines = ["flowchart LR"]
    for zone in (_SOURCES, "bronze", "silver", "quarantine", BUILD, "gold"):
        if zones[zone]:
            lines += [f"    subgraph {zone}", *(f'        {numbers[name]}["{_quoted(name)}"]' for name in zones[zone])]
            lines.append("    end")
    pairs = sorted({(numbers[edge.source], numbers[edge.target]) for edge in graph.edges})
    lines += [f"    {source} --> {target}" for source, target in pairs]
    lines.append(f"    style {numbers[graph.dataset]} stroke-width:3px")
    return "\n".join(lines)


def _zone(name: str) -> str:
    zone = name.partition(".")[0]
    return zone if zone in (*NAMESPACES, BUILD) else _SOURCES


def _quoted(name: str) -> str:
    # Mermaid takes an address for a Markdown link, and shows an error in its place.
    return name.removeprefix("https://").removeprefix("http://").translate(_ESCAPES)
