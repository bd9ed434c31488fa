"""`finks api zip`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Processor(StrEnum):
    """What Lambda calls the processors that it has."""

    X86 = "x86_64"
    ARM = "arm64"


def zip_package(
    output: Annotated[Path, typer.Option("--output", "-o", help="The zip file.")] = Path("dist/finks-api.zip"),
    project: Annotated[Path, typer.Option("--project", help="The checkout of finks to build from.")] = Path(),
    python: Annotated[str, typer.Option("--python", help="Python's version in Lambda.")] = "3.12",
    processor: Annotated[Processor, typer.Option("--processor", help="Lambda's processor.")] = Processor.X86,
) -> None:
    """Build the package of the Lambda function."""
    from finks_api.aws.package import Target, build

    built = build(project, output, Target(python, "aarch64" if processor is Processor.ARM else "x86_64"))
    typer.echo(f"{built.path}: {built.zipped / 2**20:.1f} MB, {built.unzipped / 2**20:.1f} MB unzipped")
    if built.import_seconds is None:
        typer.echo(f"Not compiled, and its import not tried: that takes Python {python} on {processor.value}.")
    else:
        typer.echo(f"A new process imports the handler in {built.import_seconds:.2f} s.")
