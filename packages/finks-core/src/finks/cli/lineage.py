"""`finks lineage`: where a dataset came from, what came from it, and which responses made a number."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from finks.cli.runs import ConfigOption, JsonOption
from finks.errors import ConfigurationError, MissingExtraError
from finks.lake import Lake
from finks.lineage.draw import mermaid, tree
from finks.lineage.graph import Graph
from finks.lineage.model import Edge
from finks.lineage.trace_text import described
from finks.lineage.view import Lineage
from finks.run.settings import load_settings

ColumnOption = Annotated[
    list[str] | None, typer.Option("--column", help="Follow the values of this column alone; may be repeated.")
]
WhereOption = Annotated[
    list[str] | None,
    typer.Option("--where", help="Of a Gold table: show the responses behind these rows, column=value,column=value."),
]


_RUN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("lineage")(lineage)


def lineage(
    dataset: Annotated[
        str | None, typer.Argument(help="Name a table, a model, an address or a run; list all datasets if absent.")
    ] = None,
    config: ConfigOption = None,
    column: ColumnOption = None,
    where: WhereOption = None,
    bodies: Annotated[
        Path | None, typer.Option("--bodies", help="With --where: write the responses' bodies into this directory.")
    ] = None,
    as_mermaid: Annotated[bool, typer.Option("--mermaid", help="Draw a Mermaid flowchart.")] = False,
    as_json: JsonOption = False,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Build the index again from the recorded events first.")
    ] = False,
) -> None:
    """Show where a dataset came from and what came from it, or which responses made a number."""
    settings = load_settings(config)
    lake = Lake.open(settings.lake.place())
    known = Lineage(lake, table=settings.lake.lineage_table)
    if rebuild:
        typer.echo(f"Read the events of {known.rebuild()} runs.", err=True)
    if dataset is None:
        names = known.datasets()
        typer.echo(json.dumps(names) if as_json else "\n".join(names))
    elif _RUN.fullmatch(dataset):
        told = known.run(dataset)
        lines = [f"{item.at:%Y-%m-%d %H:%M:%S} UTC  {item.type:<8}  {item.job}" for item in told]
        typer.echo(json.dumps([asdict(item) for item in told], default=str) if as_json else "\n".join(lines))
    elif where:
        _show_responses(lake, known, dataset, parse_where(where), column, bodies, as_json=as_json)
    else:
        graph = known.graph(dataset, column)
        drawn = mermaid(graph) if as_mermaid else tree(graph)
        typer.echo(json.dumps(as_data(graph), indent=2) if as_json else drawn)


def _show_responses(
    lake: Lake,
    known: Lineage,
    mart: str,
    where: Mapping[str, str],
    columns: Sequence[str] | None,
    bodies: Path | None,
    *,
    as_json: bool,
) -> None:
    try:
        found = known.trace(mart, where, columns)
    except ImportError:
        raise MissingExtraError("Lineage needs an extra.", hint="pip install 'finks-core[lineage]'") from None
    Console(highlight=False, soft_wrap=True).print(
        json.dumps(asdict(found), indent=2, default=str) if as_json else described(found), markup=False
    )
    if bodies is not None:
        bodies.mkdir(parents=True, exist_ok=True)
        for response_id, body in known.bodies(found).items():
            (bodies / response_id).write_bytes(body)
        typer.echo(f"Their bodies are in {bodies}, each under its response's id.", err=True)


def parse_where(texts: Sequence[str]) -> dict[str, str]:
    """Conditions from the command's options. Raises ConfigurationError."""
    found: dict[str, str] = {}
    for part in (part for text in texts for part in text.split(",")):
        name, equals, value = part.partition("=")
        if not equals or not name.strip():
            raise ConfigurationError(
                "The condition is not valid.", where="--where", expected="column=value,column=value", got=part
            )
        found[name.strip()] = value.strip()
    return found


def as_data(graph: Graph) -> dict[str, Any]:
    """A graph as JSON has it."""

    def edge(found: Edge) -> dict[str, Any]:
        return {**asdict(found), "at": found.at.isoformat()}

    return {
        "dataset": graph.dataset,
        "columns": None if graph.columns is None else sorted(graph.columns),
        "upstream": [edge(found) for found in graph.upstream],
        "downstream": [edge(found) for found in graph.downstream],
    }
