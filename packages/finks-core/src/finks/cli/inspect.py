"""The commands that look: status, query, connectors."""

from __future__ import annotations

import signal
from decimal import Decimal
from typing import Annotated

import polars as pl
import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from finks.cli.runs import ConfigOption, JsonOption
from finks.errors import ConfigurationError
from finks.lake import Lake
from finks.lake.athena import AthenaDataset
from finks.plugins import list_plugins
from finks.run.settings import load_settings

LimitOption = Annotated[int, typer.Option("--limit", min=1, help="Show at most so many rows.")]

MAX_WIDTH = 10_000


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("status")(status)
    app.command("query")(query)
    connectors = typer.Typer(help="Look at the installed plugins.", no_args_is_help=True)
    connectors.command("list")(connectors_list)
    app.add_typer(connectors, name="connectors")


def _open(config: ConfigOption) -> Lake:
    settings = load_settings(config)
    return Lake.open(settings.lake.place(), athena=settings.athena.options())


def show_frame(console: Console, frame: pl.DataFrame, title: str | None = None) -> None:
    """Print a frame whole: every column and row, decimals exact and without trailing zeros.

    A table wider than the terminal keeps its lines; the terminal wraps or scrolls them.
    """
    table = Table(title=title, box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name, kind in frame.schema.items():
        table.add_column(name, no_wrap=True, justify="right" if kind.is_numeric() else "left")
    for row in frame.iter_rows():
        table.add_row(*(_shown(value) for value in row))
    unbounded = console.options.update(max_width=MAX_WIDTH)
    needed = Measurement.get(console, unbounded, table).maximum
    Console(file=console.file, width=max(console.width, needed)).print(table)


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return escape(str(value))


def status(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show which Gold release is served, what the tables hold and who is at work."""
    lake = _open(config)
    facts = {"lake": lake.place.address, "served_release": lake.served_release(), "running": None}
    holder = lake.holder()
    if holder is not None:
        facts["running"] = f"{holder.command}, process {holder.pid} on {holder.host}, since {holder.started_at}"
    console = Console()
    if as_json:
        console.print_json(data=facts)
        return
    console.print(f"Lake {facts['lake']}", highlight=False, soft_wrap=True)
    served = facts["served_release"]
    console.print("No Gold release is served yet." if served is None else f"Gold release {served} is served.")
    console.print(f"Running: {facts['running'] or 'nothing'}", highlight=False)
    for release in lake.releases()[:1]:
        console.print(f"  published {release.published_at:%Y-%m-%d %H:%M:%S} UTC by run {release.run_id}")
        for name, rows in release.rows.items():
            console.print(f"  gold.{name}: {rows} rows", highlight=False)
    tables = lake.tables()
    if not any(tables.values()):
        console.print("Nothing has landed yet. `finks plan` shows what a run would fetch; `finks run` fetches it.")
        return
    for zone, names in tables.items():
        console.print(f"{zone}: {', '.join(names) or 'empty'}", highlight=False, soft_wrap=True)


def query(
    sql: Annotated[str, typer.Argument(help="One SELECT over silver.*, quarantine.*, bronze.* and gold.*.")],
    config: ConfigOption = None,
    limit: LimitOption = 100,
    athena: Annotated[bool, typer.Option("--athena", help="Let Athena run it, in its SQL; shows the cost.")] = False,
    max_bytes: Annotated[
        int | None, typer.Option("--max-bytes", min=1, help="Let Athena scan at most so much.")
    ] = None,
) -> None:
    """Run one SELECT on the lake, in DuckDB's SQL. Nothing is written; Gold is the served release."""
    lake = _open(config)
    # DuckDB may hold the main thread for the whole of a query; a reader can be ended where it stands.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        found = lake.sql(sql, engine="athena" if athena else "duckdb", max_bytes=max_bytes)
        frame = found.polars()
    except pl.exceptions.PolarsError as error:
        raise ConfigurationError(
            "The result cannot be shown as a table.",
            got=str(error),
            hint="Give each column a name of its own; show a value of a rare type with cast(… as varchar).",
        ) from None
    console = Console()
    show_frame(console, frame.head(limit))
    if frame.height > limit:
        console.print(f"{frame.height} rows; the first {limit} are shown (--limit).")
    if isinstance(found, AthenaDataset) and found.cost is not None:
        cost = found.cost
        console.print(
            f"Athena scanned {cost.bytes_scanned:,} bytes in {cost.engine_seconds:.1f} s (query {cost.query_id}).",
            highlight=False,
        )


def connectors_list() -> None:
    """List the installed source, sink and transform plugins."""
    table = Table("kind", "name", "package", "version")
    for plugin in list_plugins():
        table.add_row(plugin.kind, plugin.name, plugin.package, plugin.version)
    Console().print(table)
