"""Athena on a lake in S3: every query reads the snapshots of one release, and runs once however often it is asked."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Final

import pyarrow as pa
from finks.errors import ConfigurationError, FinksError
from finks.lake.athena import RESULTS
from finks.lake.athena_sql import literal
from finks.lake.aws import aws
from finks.lake.aws_errors import explain
from finks.lake.catalog import find_table
from finks.lake.glue import ZoneCatalog
from finks.lake.gold import GoldZone
from finks.lake.releases import Release
from finks.lake.s3_place import S3Place
from finks.run.settings import Settings

from finks_api.backends.executions import DynamoExecutions, MemoryExecutions
from finks_api.backends.facts import silver_facts
from finks_api.backends.protocol import SilverFacts, StillRunning
from finks_api.backends.runs import Asked, QueryFailed, RunOptions, Runs
from finks_api.problems import Problem
from finks_api.query import Read, render
from finks_api.settings import ApiSettings
from finks_api.versions import snapshot_of

_LOG: Final = logging.getLogger("finks.api")


class AthenaBackend:
    """Reads a lake on S3.

    Args:
        place: Where the lake is.
        runs: Runs its queries.
    """

    def __init__(self, place: S3Place, runs: Runs) -> None:
        self._place = place
        self._runs = runs

    def releases(self) -> Sequence[Release]:
        """See `Backend`."""
        with _reachable():
            return self._gold.releases()

    def rows(self, read: Read, release: Release) -> pa.Table:
        """See `Backend`."""
        with _reachable():
            statement = render(read, _pinned(self._catalog, release))
            parameters = [literal(value) for value in statement.parameters]
            try:
                return self._runs.read(Asked(statement.sql, parameters, statement.schema))
            except QueryFailed as error:
                _LOG.error("query of %s at release %d: %s", read.table, release.release_id, error)
                if not _is_kept(self._catalog, read.table, release):
                    raise _expired(release) from None
                if error.retryable:
                    raise Problem("unavailable", "The query engine failed.") from None
                raise Problem("query-failed", "The query engine could not run the query.") from None

    def datasets(self, release: Release) -> Sequence[SilverFacts]:
        """See `Backend`."""
        with _reachable():
            return silver_facts(self._catalog, release)

    @cached_property
    def _catalog(self) -> ZoneCatalog:
        catalog = self._place.open()
        assert isinstance(catalog, ZoneCatalog)
        return catalog

    @cached_property
    def _gold(self) -> GoldZone:
        # It reads the releases again only when there is another one.
        return GoldZone(self._catalog)


def athena_backend(settings: Settings, api: ApiSettings) -> AthenaBackend:
    """The back end of a lake on S3, as the settings say.

    Raises:
        ConfigurationError: The lake is not on S3.
    """
    place = settings.lake.place()
    if not isinstance(place, S3Place):
        raise ConfigurationError(
            "Athena reads lakes on S3 alone.",
            where=settings.place("lake.path"),
            expected="s3://bucket/prefix",
            got=place.address,
            hint="Let DuckDB serve it: api.engine = duckdb.",
        )
    account = aws()
    table = api.executions_table
    executions = DynamoExecutions(account.client("dynamodb"), table) if table is not None else MemoryExecutions()
    options = RunOptions(
        key=api.secret.get_secret_value().encode() if api.secret is not None else secrets.token_bytes(32),
        output=settings.athena.output or f"{place.address}/{RESULTS}",
        workgroup=api.workgroup or settings.athena.workgroup,
        wait=api.wait,
        max_bytes=api.max_bytes,
    )
    return AthenaBackend(place, Runs(account, options, executions))


def _pinned(catalog: ZoneCatalog, release: Release) -> Callable[[str], str]:
    """What Athena calls a table at a release."""

    def relation(table: str) -> str:
        zone, _, name = table.partition(".")
        snapshot = snapshot_of(table, release)
        if snapshot is None:
            raise _expired(release)
        return f'"{catalog.database(zone)}"."{name}" FOR VERSION AS OF {snapshot:d}'

    return relation


def _is_kept(catalog: ZoneCatalog, name: str, release: Release) -> bool:
    """Whether the table still has the snapshot of a release. Athena says it in words, the table's metadata surely."""
    table = find_table(catalog, name)
    snapshot = snapshot_of(name, release)
    return table is not None and snapshot is not None and table.snapshot_by_id(snapshot) is not None


def _expired(release: Release) -> Problem:
    return Problem("expired-version", f"Release {release.release_id} is no longer kept.")


@contextmanager
def _reachable() -> Generator[None]:
    """Turn what the lake raises into its problem; the details are for the log alone."""
    try:
        yield
    except (Problem, StillRunning):
        raise
    except Exception as error:
        explained = error if isinstance(error, FinksError) else explain(error)
        if explained is None:
            raise
        _LOG.error("the lake cannot be read: %s", explained)
        raise Problem("unavailable", "The lake cannot be read now.") from None
