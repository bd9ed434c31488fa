"""`finks demo`: the whole path on one machine, from a simulated vendor with real prices to a served summary."""

from __future__ import annotations

from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer
from finks.cli.inspect import show_frame
from finks.cli.runs import execute, show_plan
from finks.errors import ConfigurationError, MissingExtraError
from finks.lake import Lake
from finks.lake.aws import make_bucket
from finks.run.report import render
from finks.run.runner import Runner, RunOptions
from finks.run.settings import Settings, load_settings
from rich.console import Console

LAST_SESSION = date(2013, 3, 1)
"""The last day of the public-domain prices that the simulated vendor serves."""

DEMO_KEY = "demo-key"
DEMO_URL = "http://127.0.0.1:8765/stable"

SETTINGS = """\
# The demo's settings. `finks status`, `finks query` and the notebook read them too.
[lake]
path = "<lake>"

[run]
logical_date = 2013-03-01

[sources.files]
transactions = "transactions.csv"
portfolios = "portfolios.csv"

# `finks demo` starts the simulated vendor itself. For `finks run` start it beforehand:
# python -m finks_connectors.fmp.simulator --port 8765 --api-key demo-key
[sources.fmp]
base_url = "http://127.0.0.1:8765/stable"
api_key = "demo-key"
plan = "ultimate"
symbols = ["AAPL", "MSFT", "IBM"]
pairs = ["EURUSD"]
start = 2000-03-01
statements = ["annual", "quarter"]
"""


def prepare(directory: Path, lake: str = "lake") -> Path:
    """Write the demo's settings and transactions into `directory`, unless they are there; return the settings file.

    Args:
        lake: The lake's address: a directory, relative to `directory`, or `s3://bucket/prefix`.

    Raises:
        ConfigurationError: It is not a directory, or cannot be written to.
    """
    try:
        return _write(directory, lake)
    except OSError as error:
        raise ConfigurationError(
            "The demo's directory cannot be used.",
            where=str(directory),
            expected="a directory that can be written to, or a new name",
            got=error.strerror or str(error),
        ) from None


def _write(directory: Path, lake: str) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    contents = {"finks.toml": SETTINGS.replace("<lake>", lake)}
    for name in ("transactions.csv", "portfolios.csv"):
        contents[name] = files("finks_connectors.demo").joinpath(name).read_text(encoding="utf-8")
    for name, text in contents.items():
        target = directory / name
        if not target.exists():
            target.write_text(text, encoding="utf-8")
    return directory / "finks.toml"


def with_vendor(settings: Settings, url: str) -> Settings:
    """The demo's settings with the FMP source pointed at a simulated vendor, with the key that it knows.

    Raises:
        ConfigurationError: They are not the demo's: its simulated data must not get into another lake.
    """
    if settings.sources.get("fmp", {}).get("base_url") != DEMO_URL:
        raise ConfigurationError(
            "The settings in this directory are not the demo's.",
            where=settings.place("sources.fmp.base_url"),
            expected=DEMO_URL,
            hint="Give the demo a directory of its own.",
        )
    fmp = {**settings.sources["fmp"], "base_url": url, "api_key": DEMO_KEY, "plan": "ultimate"}
    return settings.model_copy(update={"sources": {**settings.sources, "fmp": fmp}})


def demo(
    directory: Annotated[Path, typer.Argument(help="Keep the demo's settings and its lake in this directory.")] = Path(
        "finks-demo"
    ),
    lake: Annotated[
        str | None, typer.Option("--lake", help="Keep the lake in s3://bucket/prefix, or in this directory.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Run the whole path on real prices: no key, no account, no network. Run it twice: nothing is fetched again."""
    try:
        from finks_connectors.fmp.simulator import SimulatedFmp
    except ImportError:
        raise MissingExtraError(
            "The simulated vendor is not installed.", hint="pip install 'finks-connectors[simulator]'"
        ) from None
    console = Console()
    file = prepare(directory, lake or "lake")
    if lake is not None:
        _check_lake(load_settings(file), lake, directory)
    with SimulatedFmp(today=LAST_SESSION, keys={DEMO_KEY: "ultimate"}) as vendor:
        settings = with_vendor(load_settings(file), vendor.url)
        options = RunOptions(command="finks demo")
        show_plan(console, Runner(settings, options).plan())
        report = execute(settings, options, quiet=quiet)
    if report.gold.release is not None:
        _show_summary(console, Lake.open(settings.lake.place()))
    typer.echo(render(report))
    if report.exit_code == 0:
        console.print(f"\nLook further: finks status -c {directory}; examples/first-look.ipynb", highlight=False)
    raise typer.Exit(report.exit_code)


def _check_lake(settings: Settings, lake: str, directory: Path) -> None:
    """The lake is the one that was asked for; on S3 its bucket is there, made if need be.

    Raises:
        ConfigurationError: The directory's settings, or the environment, name another lake.
    """
    found = settings.lake.path
    if found != lake and found != directory.resolve() / lake:
        raise ConfigurationError(
            "The demo in this directory has another lake.",
            where=settings.place("lake.path"),
            expected=str(found),
            got=lake,
            hint="Give the demo a directory of its own.",
        )
    if isinstance(found, str):
        make_bucket(found)


SUMMARY = """
with years as (
    select portfolio_id, extract(year from date) as year, max(date) as last_day, sum(income) as income,
           sum(realised_pnl) as realised
    from gold.daily_portfolio_summary
    group by portfolio_id, extract(year from date)
)
select years.portfolio_id as portfolio, years.year, summary.base_currency as "in",
       cast(summary.total_value as decimal(18, 2)) as total_value,
       cast(years.income as decimal(18, 2)) as income,
       cast(years.realised as decimal(18, 2)) as realised,
       cast(summary.unrealised_pnl as decimal(18, 2)) as unrealised,
       cast(summary.cumulative_return as decimal(18, 4)) as "return"
from years
join gold.daily_portfolio_summary as summary
  on summary.portfolio_id = years.portfolio_id and summary.date = years.last_day
order by years.portfolio_id, years.year
"""


def _show_summary(console: Console, lake: Lake) -> None:
    show_frame(console, lake.sql(SUMMARY).polars(), "daily_portfolio_summary by year; return since the start")
