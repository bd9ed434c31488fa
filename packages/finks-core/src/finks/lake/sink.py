"""Where refined records go: the `Sink` protocol, the lake's Silver zone, and a folder of Parquet files."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from finks.contract.spec import CompiledContract
from finks.lake.lake import Lake
from finks.lake.silver_rows import VersionCounts

FOLDER_COLUMNS: Final = ("_known_at", "_row_hash", "_bronze_ref", "_ordinal")


@runtime_checkable
class Sink(Protocol):
    """What finks requires of a place that takes refined records."""

    def write(self, table: str, good: pa.Table, contract: CompiledContract, *, run_id: str) -> VersionCounts:
        """Take the good records of one batch; taking the same batch again must change nothing.

        Args:
            table: The stream's table name, for example `fmp_daily_bars`.
            good: The kernel's good records.
            contract: What one record is.
            run_id: The run that delivers them.
        """
        ...


class LakeSink:
    """The lake's Silver zone as a sink: every version of every record.

    Args:
        lake: The lake.
        source: The source's name, for the `_source` column.
    """

    def __init__(self, lake: Lake, source: str) -> None:
        self._lake = lake
        self._source = source

    def write(self, table: str, good: pa.Table, contract: CompiledContract, *, run_id: str) -> VersionCounts:
        """Write the versions that are new, in one commit."""
        return self._lake.silver(table, contract, self._source).write_versions(good, run_id=run_id)


class ParquetFolder:
    """A folder of Parquet files, `<root>/<table>/<event time>_year=<year>/<batch>.parquet`.

    Every batch is kept as delivered: the contract's columns and `FOLDER_COLUMNS`. A batch is named by its content, so
    the same batch again changes nothing. Each file appears whole or not at all; when a process dies between two files
    of a batch, the same call again adds the rest.

    Args:
        root: The folder; made when absent.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def write(self, table: str, good: pa.Table, contract: CompiledContract, *, run_id: str) -> VersionCounts:
        """Write one batch; `same` counts the records of files that were there already."""
        names = [*(spec.name for spec in contract.fields), *FOLDER_COLUMNS]
        frame = pl.DataFrame(good).select(names).sort([*contract.key, "_known_at", "_ordinal"])
        new = same = 0
        for folder, part in self._parts(table, frame, contract):
            target = folder / f"{_batch_id(part, contract)}.parquet"
            if target.exists():
                same += part.height
            else:
                _write_whole(part, target, run_id)
                new += part.height
        return VersionCounts(new=new, same=same)

    def _parts(self, table: str, frame: pl.DataFrame, contract: CompiledContract) -> list[tuple[Path, pl.DataFrame]]:
        base = self._root / table
        if contract.event_time is None:
            return [(base, frame)] if frame.height else []
        years = frame.with_columns(_year=pl.col(contract.event_time).dt.year()).partition_by(
            "_year", as_dict=True, include_key=False
        )
        return [(base / f"{contract.event_time}_year={year}", part) for (year,), part in years.items()]


def _batch_id(part: pl.DataFrame, contract: CompiledContract) -> str:
    """The same for the same responses and contract version, whatever the run."""
    seen = part.select("_bronze_ref", "_ordinal", "_row_hash").sort("_bronze_ref", "_ordinal")
    digest = hashlib.sha256(f"{contract.name} {contract.version}\n".encode())
    digest.update(seen.write_csv(include_header=False).encode())
    return digest.hexdigest()[:32]


def _write_whole(part: pl.DataFrame, target: Path, run_id: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.stem}.{os.getpid()}.draft")
    rows = part.to_arrow(compat_level=pl.CompatLevel.oldest())
    try:
        pq.write_table(rows.replace_schema_metadata({"finks.run-id": run_id}), draft, compression="zstd")
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
