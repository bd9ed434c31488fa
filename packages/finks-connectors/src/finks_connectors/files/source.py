"""The files source: one file per stream, read whole, its format told by its suffix."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar

from finks.contract import Contract
from finks.source.model import Action, Outcome, Request, Response, Slice, Snapshot, Stream, Verdict
from finks.source.protocol import BaseSource, SourceConfig
from pydantic import Field, field_validator

from finks_connectors.files.contracts import Portfolio, Transaction

SUFFIXES = (".csv", ".jsonl", ".ndjson", ".json", ".parquet")

CONTRACTS: dict[str, type[Contract]] = {"transactions": Transaction, "portfolios": Portfolio}


class FilesConfig(SourceConfig):
    """Settings of `[sources.files]`: one path per stream; a stream without a path is not offered.

    A relative path is resolved against `root`, the directory of the settings file.
    """

    transactions: Path | None = Field(default=None, description="The bookings of all portfolios.")
    portfolios: Path | None = Field(default=None, description="The portfolios with their base currencies.")

    @field_validator("transactions", "portfolios")
    @classmethod
    def _known_format(cls, path: Path | None) -> Path | None:
        """The suffix decides how the file is read, so an unknown one is refused here."""
        if path is not None and path.suffix.lower() not in SUFFIXES:
            raise ValueError(f"{path.name}: expected a file ending in {', '.join(SUFFIXES)}")
        return path


class Files(BaseSource):
    """Records in files on this machine."""

    name = "files"
    version = version("finks-connectors")
    Config: ClassVar[type[SourceConfig]] = FilesConfig

    def __init__(self, config: FilesConfig) -> None:
        super().__init__(config)
        self.settings = config

    def streams(self) -> Sequence[Stream]:
        """The streams whose path is set, read on every run: a file costs nothing, and its owner edits it."""
        paths = {"transactions": self.settings.transactions, "portfolios": self.settings.portfolios}
        return [
            Stream(
                name=name,
                contract=CONTRACTS[name],
                path=str(path),
                policy=Snapshot(every_days=0),
                authoritative=True,
            )
            for name, path in paths.items()
            if path is not None
        ]

    def request(self, stream: Stream, slice: Slice) -> Request:
        """The file as a `file:` URL."""
        return Request((self.settings.root / Path(stream.path).expanduser()).resolve().as_uri())

    def classify(self, stream: Stream, slice: Slice, response: Response) -> Verdict:
        """A file that cannot be read is a setting to correct; waiting does not help."""
        if response.fault or response.status != 200:
            reason = response.detail or response.fault or f"status {response.status}"
            return Verdict(Outcome.FAILED, Action.SKIP_STREAM, reason, "ConfigurationError")
        return Verdict(Outcome.OK if response.body.strip() else Outcome.EMPTY)
