"""`Lake`: everything that is done with a lake, behind one object."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Unpack, overload

import pyarrow as pa
from pyiceberg.catalog import Catalog

from finks.contract.spec import CompiledContract
from finks.errors import ConfigurationError
from finks.lake import reads
from finks.lake.athena import RESULTS, AthenaDataset, AthenaOptions, AthenaQuery
from finks.lake.athena_sql import Parameter, rewrite
from finks.lake.aws import aws
from finks.lake.aws_errors import told
from finks.lake.bronze import BronzeTable
from finks.lake.catalog import NAMESPACES, find_table, no_such_table, state, table_names
from finks.lake.compaction import Compacted, compact_table, compaction_due, expire_table, remove_orphans
from finks.lake.dataset import Dataset
from finks.lake.duck import confine, connect, select
from finks.lake.gold import GoldZone
from finks.lake.lease import Holder
from finks.lake.local_place import in_memory
from finks.lake.place import Place, place_of
from finks.lake.quarantine import QuarantineTable
from finks.lake.reads import Selection, SelectionOptions
from finks.lake.releases import RELEASES, Release
from finks.lake.resolutions import RESOLUTIONS
from finks.lake.silver import BOOKMARK, SilverTable

if TYPE_CHECKING:
    import duckdb

Engine = Literal["duckdb", "athena"]

KEEP_RELEASES = 30
_DEFAULTS = AthenaOptions()
ORPHAN_GRACE = timedelta(days=3)


def utc_now() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(UTC)


class Lake:
    """A lake. `Lake.open(address)` is how to get one.

    Args:
        catalog: The Iceberg catalog that holds the zones.
        place: Where the lake is.
        clock: The time, aware, in UTC.
        athena: How Athena is used, on a lake on S3.
    """

    def __init__(
        self,
        catalog: Catalog,
        place: Place,
        *,
        clock: Callable[[], datetime] = utc_now,
        athena: AthenaOptions = _DEFAULTS,
    ) -> None:
        self.catalog = catalog
        self.place = place
        self._clock = clock
        self._athena = athena
        self._gold = GoldZone(catalog)

    def __repr__(self) -> str:
        return f"<finks Lake {self.place.address}>"

    @classmethod
    def open(
        cls,
        address: str | Path | Place,
        *,
        create: bool = False,
        clock: Callable[[], datetime] = utc_now,
        athena: AthenaOptions = _DEFAULTS,
    ) -> Lake:
        """Open a lake.

        Args:
            address: The lake's directory, or `s3://bucket/prefix` for one on S3 and the Glue Data Catalog.
            create: Make the lake when the place is empty.
            clock: The time, aware, in UTC.
            athena: How Athena is used, on a lake on S3.

        Raises:
            ConfigurationError: There is no lake, or the place holds something else.
            MissingExtraError: The address is in S3, and the extra `aws` is not installed.
        """
        place = place_of(address) if isinstance(address, str | Path) else address
        return cls(place.open(create=create), place, clock=clock, athena=athena)

    @classmethod
    def look(cls, address: str | Path | Place, *, clock: Callable[[], datetime] = utc_now) -> Lake:
        """The lake at an address; where there is none yet, an empty one in memory. Makes nothing there.

        Raises:
            ConfigurationError: The place holds something else, or the lake cannot be opened.
        """
        place = place_of(address) if isinstance(address, str | Path) else address
        return cls(in_memory() if place.is_free() else place.open(), place, clock=clock)

    def hold(self, *, run_id: str, command: str) -> AbstractContextManager[Holder]:
        """Hold the lake, one run at a time, for the length of a `with` block.

        Raises:
            LakeBusyError: Another run holds it; the error says who and since when.
        """
        return self.place.hold(self.catalog, run_id=run_id, command=command, clock=self._clock)

    def join(self, run_id: str) -> AbstractContextManager[Holder]:
        """Work on the lake as a part of the run that holds it, in another process, for the length of a `with` block.

        Before every commit the run must still hold the lake; else the commit is refused with LeaseLostError.

        Raises:
            LakeBusyError: Another run holds it; the error says who and since when.
            LeaseLostError: No run holds it.
        """
        return self.place.join(self.catalog, run_id=run_id)

    def holder(self) -> Holder | None:
        """Who holds the lake now; None when nobody does."""
        return self.place.holder()

    # What writers use.

    def bronze(self, table: str) -> BronzeTable:
        """The ledger of one stream."""
        return BronzeTable(self.catalog, table)

    def silver(self, table: str, contract: CompiledContract, source: str) -> SilverTable:
        """The versions of one stream's records; made, or evolved to the contract, by this call."""
        return SilverTable(self.catalog, table, contract, source)

    def has_silver(self, table: str) -> bool:
        """Whether the stream has a Silver table."""
        return find_table(self.catalog, f"silver.{table}") is not None

    def quarantine_table(self, table: str) -> QuarantineTable:
        """The rejects of one stream, to write and to count."""
        return QuarantineTable(self.catalog, table)

    def publish(
        self,
        tables: Mapping[str, pa.Table],
        *,
        run_id: str,
        silver_snapshots: Mapping[str, int] | None = None,
        created_at: datetime | None = None,
    ) -> Release:
        """Make these marts the served Gold release, atomically.

        Args:
            silver_snapshots: What the marts were built of; the current Silver snapshots when None.
            created_at: The time of publication; now when None.
        """
        built_of = self.silver_snapshots() if silver_snapshots is None else silver_snapshots
        return self._gold.publish(
            tables, run_id=run_id, silver_snapshots=built_of, created_at=created_at or self._clock()
        )

    def roll_back(self, release_id: int, *, run_id: str) -> Release:
        """Serve an older Gold release again."""
        return self._gold.roll_back(release_id, run_id=run_id, created_at=self._clock())

    # What readers use.

    def latest(self, table: str, **selection: Unpack[SelectionOptions]) -> Dataset:
        """What is known now: per key the newest version.

        Args:
            table: For example `fmp_daily_bars`.
            selection: The fields of `Selection`: select, start, end, keys, with_versions.
        """
        return reads.latest(self.catalog, table, Selection(**selection))

    def as_of(self, table: str, at: datetime, **selection: Unpack[SelectionOptions]) -> Dataset:
        """What was known at a time. `selection` as for `latest`.

        Raises:
            ConfigurationError: `at` has no zone.
        """
        return reads.as_of(self.catalog, table, at, Selection(**selection))

    def history(self, table: str, **selection: Unpack[SelectionOptions]) -> Dataset:
        """Every version of every record. `selection` as for `latest`."""
        return reads.history(self.catalog, table, Selection(**selection))

    def quarantine(
        self, table: str, *, rule: str | None = None, limit: int | None = None, resolved: bool = False
    ) -> Dataset:
        """The open rejects of one stream, newest first; none for a stream that had none.

        Args:
            rule: Only those that broke this rule.
            limit: At most so many.
            resolved: The resolved ones too, with the columns `resolution`, `resolved_at` and `resolved_run`.

        Raises:
            ConfigurationError: When read: the lake has no table of this name in any zone.
        """

        def load() -> pa.Table:
            known = sorted(
                {name for zone in NAMESPACES[:3] for name in table_names(self.catalog, zone)} - {RESOLUTIONS}
            )
            if table not in known:
                raise no_such_table(table, known)
            return self.quarantine_table(table).read(rule=rule, limit=limit, resolved=resolved)

        return Dataset(f"quarantine.{table}", load)

    def ledger(self, table: str) -> Dataset:
        """What was fetched for one stream: every response, without its body."""
        return Dataset(f"bronze.{table}", self.bronze(table).ledger)

    def gold(self, name: str, release: int | None = None) -> Dataset:
        """A mart as the served release has it, or as `release` had it."""
        return self._gold.read(name, release)

    def releases(self) -> list[Release]:
        """Every Gold release, newest first."""
        return self._gold.releases()

    def served_release(self) -> int | None:
        """The number of the Gold release that readers are served; None before the first."""
        served = self._gold.current()
        return None if served is None else served.release_id

    @overload
    def sql(
        self, query: str, *, engine: Literal["duckdb"] = "duckdb", parameters: Sequence[Parameter] = ()
    ) -> Dataset: ...

    @overload
    def sql(
        self,
        query: str,
        *,
        engine: Literal["athena"],
        parameters: Sequence[Parameter] = (),
        max_bytes: int | None = None,
    ) -> AthenaDataset: ...

    @overload
    def sql(
        self, query: str, *, engine: Engine, parameters: Sequence[Parameter] = (), max_bytes: int | None = None
    ) -> Dataset: ...

    def sql(
        self,
        query: str,
        *,
        engine: Engine = "duckdb",
        parameters: Sequence[Parameter] = (),
        max_bytes: int | None = None,
    ) -> Dataset:
        """The result of a query over `bronze.*`, `silver.*`, `quarantine.*` and the served `gold.*`.

        Read only: one SELECT statement, which can open no file but the lake's own.
        `duckdb` gives a connection without these limits.

        Args:
            query: In the engine's SQL; `?` stands for a parameter.
            engine: `duckdb`, in this process; or `athena`, for a lake on S3.
            parameters: The values of its `?`, in their order.
            max_bytes: The most bytes that Athena may scan; that of the options when None.

        Returns:
            The rows. Those of Athena are read once, and have their `cost`.

        Raises:
            MissingExtraError: DuckDB is not installed.
            ConfigurationError: When read: the query is not one SELECT statement, or it failed. At once: the lake or
                the engine cannot do what is asked.
        """
        if engine == "athena":
            return self._athena_query(query, parameters, max_bytes)
        if max_bytes is not None:
            raise ConfigurationError("DuckDB has no cap on bytes.", where="max_bytes", hint='Set engine="athena".')

        def load() -> pa.Table:
            with self.duckdb() as connection:
                confine(connection, self.place)
                return select(connection, query, parameters)

        return Dataset("query", load)

    def _athena_query(self, query: str, parameters: Sequence[Parameter], max_bytes: int | None) -> AthenaDataset:
        from finks.lake.glue import ZoneCatalog

        if not isinstance(self.catalog, ZoneCatalog):
            raise ConfigurationError(
                "Athena reads only a lake on S3.", where=self.place.address, hint='Use engine="duckdb".'
            )
        with told():
            served = self._gold.current()
        marts = {name: mart.snapshot_id for name, mart in served.marts.items()} if served is not None else {}
        options = self._athena if max_bytes is None else replace(self._athena, max_bytes=max_bytes)
        output = options.output or f"{self.place.address}/{RESULTS}/"
        text = rewrite(query, self.catalog.database, marts)
        return AthenaDataset(AthenaQuery(aws(), options, text, self.catalog.database("gold"), parameters, output))

    def duckdb(self) -> duckdb.DuckDBPyConnection:
        """A DuckDB connection with a view of every table, on the lake's state of now."""
        return connect(self.catalog, self.place)

    def tables(self) -> dict[str, list[str]]:
        """The tables of every zone. Of Gold, those of the served release."""
        found = {zone: table_names(self.catalog, zone) for zone in NAMESPACES}
        served = self._gold.current()
        found["gold"] = sorted(served.marts) if served is not None else []
        return found

    def silver_snapshots(self) -> dict[str, int]:
        """The current snapshot of every Silver table that has one."""
        snapshots: dict[str, int] = {}
        for name in table_names(self.catalog, "silver"):
            table = find_table(self.catalog, f"silver.{name}")
            current = table.current_snapshot() if table is not None else None
            if current is not None:
                snapshots[name] = current.snapshot_id
        return snapshots

    # Maintenance.

    def compact(self) -> dict[str, Compacted]:
        """Merge small files of every Bronze, Silver and quarantine table. No row is dropped, no bookmark moved.

        Returns:
            Table identifier to what was done, for the tables where something was.
        """
        done = {
            identifier: compact_table(self.catalog, identifier, consumed=consumed)
            for identifier, consumed in self._compactable()
        }
        return {identifier: result for identifier, result in done.items() if result.files_before}

    def compaction_due(self) -> dict[str, int]:
        """The tables that `compact` would work on, and how many files it would merge."""
        due = {
            identifier: compaction_due(self.catalog, identifier, consumed=consumed)
            for identifier, consumed in self._compactable()
        }
        return {identifier: files for identifier, files in due.items() if files}

    def _compactable(self) -> Iterator[tuple[str, int | None]]:
        """The tables that can be compacted, and of Bronze the snapshot that Silver has read."""
        for zone in ("bronze", "silver", "quarantine"):
            for name in table_names(self.catalog, zone):
                consumed = self._bookmark(name) if zone == "bronze" else None
                if zone != "bronze" or consumed is not None:
                    yield f"{zone}.{name}", consumed

    def expire(self, *, keep_releases: int = KEEP_RELEASES, grace: timedelta = ORPHAN_GRACE) -> dict[str, int]:
        """Forget old snapshots and delete the files that nothing refers to any more.

        What the last releases or a bookmark needs stays, and so does every version in Silver.

        Args:
            keep_releases: How many Gold releases stay readable.
            grace: Files younger than this stay, because a writer may be about to refer to them.

        Returns:
            Table identifier to the number of files deleted.
        """
        kept = self.releases()[:keep_releases]
        removed: dict[str, int] = {}
        for zone in NAMESPACES:
            for name in table_names(self.catalog, zone):
                identifier = f"{zone}.{name}"
                expire_table(self.catalog, identifier, self._needed(zone, name, kept))
                removed[identifier] = remove_orphans(self.catalog, identifier, older_than=self._clock() - grace)
        return removed

    def _needed(self, zone: str, name: str, kept: Sequence[Release]) -> Iterable[int]:
        if zone == "bronze":
            bookmark = self._bookmark(name)
            return [] if bookmark is None else [bookmark]
        if zone == "silver":
            return [release.silver_snapshots[name] for release in kept if name in release.silver_snapshots]
        if zone == "gold" and name != RELEASES:
            return [release.marts[name].snapshot_id for release in kept if name in release.marts]
        return []

    def _bookmark(self, name: str) -> int | None:
        table = find_table(self.catalog, f"silver.{name}")
        stored = state(table, BOOKMARK) if table is not None else None
        return None if stored is None else int(stored)
