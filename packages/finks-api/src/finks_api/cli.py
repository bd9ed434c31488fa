"""The commands `finks api`: what is built from the API before it runs anywhere."""

from __future__ import annotations

import typer

from finks_api.aws.commands import zip_package
from finks_api.openapi.commands import document

app = typer.Typer(help="The API's OpenAPI documents and its Lambda package.", no_args_is_help=True)
app.command()(document)
app.command("zip")(zip_package)
