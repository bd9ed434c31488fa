"""Quarantine replay: after a contract or a connector was corrected, read again what it had rejected.

The responses with open rejects are judged by the contract of now. Where one of them has a record less to reject,
Silver reads Bronze again from the oldest of these responses on, in one commit, so that latest() is what the corrected
contract would have made from the start. Then the rejects are resolved. Quarantine, Silver, resolutions, in this
order: whatever is killed in between, the same replay again does what is left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl
import pyarrow as pa
from pydantic import BaseModel, Field

from finks.contract import KernelResult
from finks.errors import ConfigurationError
from finks.lake import Lake
from finks.lake.quarantine import MAX_REFS
from finks.lake.resolutions import GOOD, IDENTITY, JUDGED_AGAIN
from finks.lake.silver import JUDGED_READ, JUDGED_SINCE, SHARE_REJECTED
from finks.lake.silver_replay import SilverReplay
from finks.lake.writing import committing
from finks.plugins import build_source
from finks.run.events import Event, Observer, ignore
from finks.run.outcome import Outcome
from finks.run.planning import selected_streams, table_name
from finks.run.refine import refine_stream
from finks.run.report import StreamReport
from finks.run.settings import Settings
from finks.source.model import Stream
from finks.transform import Recipe


class TableReplay(BaseModel):
    """One stream.

    `read` = `good` + `rejected` + `duplicates`; `open_after` = `open_before` + `quarantined` - `resolved` -
    `judged_again`.
    """

    table: str
    responses: int = Field(default=0, description="Responses with open rejects that were judged again.")
    read: int = Field(default=0, description="Records of these responses.")
    good: int = 0
    rejected: int = 0
    duplicates: int = 0
    open_before: int = Field(default=0, description="Open rejects before.")
    quarantined: int = Field(default=0, description="Rejects that were not in quarantine before.")
    resolved: int = Field(default=0, description="Rejects whose record is in Silver now.")
    judged_again: int = Field(default=0, description="Rejects that another version of the contract rejects too.")
    open_after: int = 0
    reread: int = Field(default=0, description="Responses that Silver read again.")
    new: int = 0
    changed: int = 0
    same: int = 0
    retracted: int = 0
    suspicious: int = 0
    share_rejected: float = Field(default=0.0, description="Open rejects by all records, of the last refinement.")
    refined: StreamReport | None = Field(default=None, description="What Silver had not read yet, refined first.")


class ReplayReport(Outcome):
    """A replay of one stream or of all."""

    tables: dict[str, TableReplay] = Field(default_factory=dict)


@dataclass(slots=True)
class _Judgement:
    """What the contract of now says of responses."""

    refs: set[str] = field(default_factory=set)
    rejects: list[pl.DataFrame] = field(default_factory=list)

    def add(self, result: KernelResult) -> None:
        self.refs.update(result.counts["response_id"].to_pylist())
        self.rejects.append(pl.DataFrame(result.rejects.select(["bronze_ref", "ordinal"])))

    def rejected(self) -> pl.DataFrame:
        """The rejects: `bronze_ref` and `ordinal`."""
        empty = pl.DataFrame(schema={"bronze_ref": pl.String, "ordinal": pl.Int32})
        return pl.concat([empty, *self.rejects]).unique()


def replay(
    lake: Lake,
    settings: Settings,
    clock: Callable[[], datetime],
    *,
    table: str | None = None,
    rule: str | None = None,
    observer: Observer = ignore,
    command: str = "finks quarantine replay",
) -> ReplayReport:
    """Replay the quarantine of one stream, or of every configured one, under the lake's lease.

    Args:
        table: The stream's table name; every stream if None.
        rule: Only responses with an open reject that broke this rule.

    Returns:
        The report, also kept as `replays/<run id>.json` in the lake. A stream that fails does not stop the others.

    Raises:
        ConfigurationError: No configured stream has this name.
        LakeBusyError: Another run holds the lake.
    """
    chosen = _chosen(settings, table)
    report = ReplayReport.begin(lake, clock)
    with lake.hold(run_id=report.run_id, command=command):
        for source, stream in chosen:
            name = table_name(source, stream.name)
            with report.going_on(name):
                report.tables[name] = replay_stream(
                    lake, source, stream, name, report.run_id, clock, rule=rule, observer=observer
                )
        report.finish(lake, clock, "replays")
    return report


def replay_stream(
    lake: Lake,
    source: str,
    stream: Stream,
    table: str,
    run_id: str,
    clock: Callable[[], datetime],
    *,
    rule: str | None = None,
    observer: Observer = ignore,
) -> TableReplay:
    """Replay the quarantine of one stream; the caller holds the lake.

    Args:
        table: The stream's table name in every zone.
        rule: Only responses with an open reject that broke this rule.
    """
    return _Replay(lake, source, stream, table, run_id, clock, observer).run(rule)


def _chosen(settings: Settings, table: str | None) -> list[tuple[str, Stream]]:
    offered = {
        table_name(name, stream.name): (name, stream)
        for name, values in settings.sources.items()
        for stream in selected_streams(build_source(name, values, settings.place))
    }
    if table is None:
        return list(offered.values())
    if table not in offered:
        raise ConfigurationError(
            "No configured stream has this table.",
            where=table,
            expected=", ".join(offered) or "a source in finks.toml",
            hint="A replay needs the stream's contract, so its source must be configured.",
        )
    return [offered[table]]


@dataclass(slots=True)
class _Replay:
    lake: Lake
    source: str
    stream: Stream
    table: str
    run_id: str
    clock: Callable[[], datetime]
    observer: Observer

    def run(self, rule: str | None) -> TableReplay:
        done = TableReplay(table=self.table)
        quarantine = self.lake.quarantine_table(self.table)
        if not self.lake.has_silver(self.table):
            return done
        self._refine(done)
        opened = quarantine.open()
        done.open_before = opened.height
        chosen = opened if rule is None else opened.filter(pl.col("rule") == rule)
        recipe = Recipe.of(self.stream)
        judgement = _Judgement()
        since = self._judge(recipe, chosen, judgement, done)
        self.observer(Event("replay.judged", self.table, done.responses))
        if since is not None:
            self._reread(recipe, since, judgement, done)
        resolved = _resolved(quarantine.open(), judgement, recipe.contract.version)
        quarantine.resolve(resolved, run_id=self.run_id, at=self.clock())
        self.observer(Event("quarantine.resolved", self.table, resolved.height))
        done.resolved = resolved.filter(pl.col("resolution") == GOOD).height
        done.judged_again = resolved.height - done.resolved
        done.open_after = quarantine.open().height
        done.share_rejected = self.lake.silver(self.table, recipe.contract, self.source).share_rejected()
        return done

    def _refine(self, done: TableReplay) -> None:
        """What an interrupted run has landed, or a pending replay of late versions, comes first."""
        report = StreamReport(table=self.table)
        refine_stream(self.lake, self.source, self.stream, self.table, self.run_id, report, self.observer)
        done.refined = report if report.read else None

    def _judge(self, recipe: Recipe, chosen: pl.DataFrame, judgement: _Judgement, done: TableReplay) -> datetime | None:
        """Judge the chosen responses by the contract of now; when the oldest came that has a reject less."""
        rows = chosen.select("bronze_ref", "known_at").unique().sort("known_at", "bronze_ref")
        for part in rows.iter_slices(MAX_REFS):
            first, last = part["known_at"].min(), part["known_at"].max()
            assert isinstance(first, datetime)
            assert isinstance(last, datetime)
            for responses in self.lake.bronze(self.table).named(part["bronze_ref"].to_list(), first, last):
                result = recipe.refine(responses)
                judgement.add(result)
                _count(result, done)
                done.quarantined += self._quarantine(result.rejects)
        freed = chosen.filter(pl.col("bronze_ref").is_in(list(judgement.refs))).join(
            judgement.rejected(), on=["bronze_ref", "ordinal"], how="anti"
        )
        since = freed["known_at"].min()
        return since if isinstance(since, datetime) else None

    def _reread(self, recipe: Recipe, since: datetime, judgement: _Judgement, done: TableReplay) -> None:
        """Silver reads every response from this time on again, in one commit."""

        def attempt() -> SilverReplay:
            done.reread = 0
            silver = SilverReplay(self.lake.catalog, self.table, recipe.contract, self.source)
            for responses in self.lake.bronze(self.table).since(since):
                result = recipe.refine(responses)
                judgement.add(result)
                done.reread += responses.num_rows
                done.quarantined += self._quarantine(result.rejects)
                spans = recipe.spans(result, responses)
                silver.add(result.good, spans, run_id=self.run_id, authoritative=recipe.authoritative)
            self.observer(Event("silver.before_commit", self.table))
            silver.commit(run_id=self.run_id, properties=self._share(silver, judgement, recipe))
            return silver

        counts = committing(f"silver.{self.table}", attempt).counts
        for name in ("new", "changed", "same", "retracted", "suspicious"):
            setattr(done, name, getattr(counts, name))
        self.observer(Event("silver.committed", self.table, counts.new + counts.changed))

    def _quarantine(self, rejects: pa.Table) -> int:
        added = self.lake.quarantine_table(self.table).append(rejects, run_id=self.run_id)
        if added:
            self.observer(Event("quarantine.committed", self.table, added))
        return added

    def _share(self, silver: SilverReplay, judgement: _Judgement, recipe: Recipe) -> dict[str, str]:
        """What Gold goes by: of the last refinement's records, the share that stays rejected after this replay."""
        judged = silver.properties(JUDGED_READ, JUDGED_SINCE)
        if len(judged) < 2:
            return {}
        opened = self.lake.quarantine_table(self.table).open()
        left = opened.join(_resolved(opened, judgement, recipe.contract.version), on=IDENTITY, how="anti")
        newest = left.filter(pl.col("known_at") >= datetime.fromisoformat(judged[JUDGED_SINCE]))
        rejected = newest.select("bronze_ref", "ordinal").unique().height
        return {SHARE_REJECTED: f"{rejected / int(judged[JUDGED_READ]):.6f}"}


def _resolved(opened: pl.DataFrame, judgement: _Judgement, version: str) -> pl.DataFrame:
    """Of the open rejects those that are settled by a judgement: their identity and `resolution`."""
    rejected = judgement.rejected().with_columns(again=pl.lit(True))
    judged = opened.filter(pl.col("bronze_ref").is_in(list(judgement.refs)))
    joined = judged.join(rejected, on=["bronze_ref", "ordinal"], how="left")
    again = pl.col("again").is_not_null()
    settled = joined.filter(~again | (pl.col("contract_version") != version))
    resolution = pl.when(again).then(pl.lit(JUDGED_AGAIN)).otherwise(pl.lit(GOOD))
    return settled.select(*IDENTITY, resolution=resolution)


def _count(result: KernelResult, done: TableReplay) -> None:
    done.responses += result.counts.num_rows
    for name in ("read", "good", "rejected", "duplicates"):
        setattr(done, name, getattr(done, name) + sum(result.counts[name].to_pylist()))


def render(report: ReplayReport) -> str:
    """The report as plain text."""
    lines = [f"Replay {report.run_id}: exit code {report.exit_code}"]
    for name, done in report.tables.items():
        if not done.responses:
            lines.append(f"{name}: nothing is open")
            continue
        lines.append(
            f"{name}: {done.responses} responses judged again, {done.read} records: {done.good} good, "
            f"{done.rejected} rejected, {done.duplicates} duplicates"
        )
        lines.append(
            f"  quarantine: {done.open_before} open before, {done.quarantined} added, {done.resolved} resolved, "
            f"{done.judged_again} judged again, {done.open_after} open now"
        )
        lines.append(
            f"  Silver: {done.reread} responses read again, {done.new} new, {done.changed} changed, "
            f"{done.same} same, {done.retracted} retracted"
        )
        if done.suspicious:
            lines.append(f"  {done.suspicious} records vanished at once; kept, look at the responses")
    lines += [f"Problem: {problem}" for problem in report.problems]
    lines += [f"To do: {advice}" for advice in report.advice]
    if any(done.new or done.changed or done.retracted for done in report.tables.values()):
        lines.append("`finks run` builds Gold of it.")
    return "\n".join(lines)
