"""`finks serve`: the Data API on one machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final

import typer
from finks.cli.runs import ConfigOption
from finks.lake import Lake
from finks.loopback import HOST, refuse_taken_port
from finks.run.settings import FILE_NAME, Settings, load_settings
from rich.console import Console

DEMO: Final = Path("finks-demo")
"""Where `finks demo` keeps its settings unless it is told otherwise."""

_told: Final = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)


def serve(
    config: ConfigOption = None,
    host: Annotated[str, typer.Option("--host", help="Listen on this address.")] = HOST,
    port: Annotated[int, typer.Option("--port", "-p", min=1, max=65535, help="Listen on this port.")] = 8000,
) -> None:
    """Serve the Data API until it is stopped. Without settings here, the demo's lake in finks-demo is served."""
    if config is None and not Path(FILE_NAME).exists() and (DEMO / FILE_NAME).exists():
        config = DEMO
    if host == HOST:
        refuse_taken_port(port, "--port")
    from finks_api.access_log import configure_access_log
    from finks_api.assemble import assemble, first_key
    from finks_api.server import make_server

    settings = load_settings(config)
    lake = Lake.open(settings.lake.place(), athena=settings.athena.options())
    key = first_key(settings)
    app = assemble(settings, lake)
    configure_access_log(sys.stderr)
    _introduce(f"http://{host}:{port}", lake, settings, key)
    make_server(app, host, port).run()


def _introduce(url: str, lake: Lake, settings: Settings, key: str | None) -> None:
    _told.print(f"Serving {lake.place.address} at {url}; the documentation is {url}/docs.")
    if key is None:
        _told.print("A request needs a key in the header x-api-key: `finks keys create --name …` makes one.")
        return
    _told.print(f"There was no key yet. This one is shown only now:\n  {key}\nTry it:")
    _told.print(f"  curl -H 'x-api-key: {key}' '{url}/v1/portfolios'")
