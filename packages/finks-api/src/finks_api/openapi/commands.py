"""`finks api document`."""

from __future__ import annotations

from typing import Annotated

import typer


def document(
    gateway: Annotated[
        bool, typer.Option("--gateway", help="OpenAPI 3.0 for API Gateway instead of 3.1 for everyone else.")
    ] = False,
) -> None:
    """Print the OpenAPI document."""
    from finks_api.openapi.describe import API_FILE, GATEWAY_FILE, documents

    typer.echo(documents()[GATEWAY_FILE if gateway else API_FILE].decode(), nl=False)
