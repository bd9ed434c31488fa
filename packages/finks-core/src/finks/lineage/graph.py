"""Walking the lineage: what a dataset, or a few of its columns, came from, and what came from it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from finks.lineage.index import LineageIndex
from finks.lineage.model import Edge

ALL = None
"""All columns of a dataset: what is asked for whole, or whose columns are not known."""

Wanted = frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Graph:
    """A dataset and what is connected with it.

    Attributes:
        dataset: The dataset that was asked for.
        columns: The columns that were asked for; None for all.
        upstream, downstream: Edges; with columns asked for, each names only those concerned.
    """

    dataset: str
    columns: Wanted
    upstream: tuple[Edge, ...]
    downstream: tuple[Edge, ...]

    @property
    def edges(self) -> tuple[Edge, ...]:
        """All edges."""
        return self.upstream + self.downstream

    @property
    def datasets(self) -> frozenset[str]:
        """All datasets, the one asked for included."""
        return frozenset({self.dataset}.union(*({edge.source, edge.target} for edge in self.edges)))


def walk(index: LineageIndex, dataset: str, columns: Collection[str] | None = None) -> Graph:
    """Everything up- and downstream of a dataset.

    Args:
        columns: Follow the values of these columns alone. Where a job's columns are not known, all count.
    """
    wanted = ALL if columns is None else frozenset(columns)
    up = _closure(index.upstream, dataset, wanted, _into_source, lambda edge: edge.source)
    down = _closure(index.downstream, dataset, wanted, _into_target, lambda edge: edge.target)
    return Graph(dataset, wanted, up, down)


def _closure(
    neighbours: Callable[[str], list[Edge]],
    start: str,
    wanted: Wanted,
    narrow: Callable[[Edge, Wanted], tuple[Edge, Wanted] | None],
    far: Callable[[Edge], str],
) -> tuple[Edge, ...]:
    """The edges that are reached; a dataset is looked at again when more of its columns turn out to count."""
    reached: dict[str, Wanted] = {start: wanted}
    found: dict[tuple[str, str, str], Edge] = {}
    known: dict[str, list[Edge]] = {}
    pending = [start]
    while pending:
        dataset = pending.pop()
        if dataset not in known:
            known[dataset] = neighbours(dataset)
        for edge in known[dataset]:
            narrowed = narrow(edge, reached[dataset])
            if narrowed is None:
                continue
            found[edge.source, edge.target, edge.job], columns = narrowed
            other = far(edge)
            more = columns if other not in reached else _union(reached[other], columns)
            if other not in reached or more != reached[other]:
                reached[other] = more
                pending.append(other)
    return tuple(found[key] for key in sorted(found))


def _union(one: Wanted, other: Wanted) -> Wanted:
    return ALL if one is None or other is None else one | other


def _into_source(edge: Edge, wanted: Wanted) -> tuple[Edge, Wanted] | None:
    """The edge, narrowed to the target's columns that are wanted, and the source's columns that they need."""
    if wanted is None or edge.columns is None:
        return edge, ALL
    kept = {name: found for name, found in edge.columns.items() if name in wanted}
    return (replace(edge, columns=kept), frozenset().union(*kept.values())) if kept else None


def _into_target(edge: Edge, wanted: Wanted) -> tuple[Edge, Wanted] | None:
    """The edge, narrowed to the source's columns that are wanted, and the target's columns made of them."""
    if wanted is None or edge.columns is None:
        return edge, ALL
    kept = {name: tuple(item for item in found if item in wanted) for name, found in edge.columns.items()}
    kept = {name: found for name, found in kept.items() if found}
    return (replace(edge, columns=kept), frozenset(kept)) if kept else None
