"""What a stream's responses become: the kernel, and what each answer is the whole truth of. Pure, Arrow to Arrow."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
import pyarrow as pa

from finks.contract import CompiledContract, Decoding, KernelResult, enforce_responses
from finks.contract.spec import Kind
from finks.source.model import Snapshot, Stream

COLUMNS = ("response_id", "key", "content_type", "body", "fetched_at", "page", "window_start", "window_end")
"""The columns of Bronze that a recipe needs."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is needed of a stream to refine its responses; plain data, so that it travels to other processes.

    Attributes:
        contract: What one record must be.
        decoding: What the vendor calls things.
        snapshot: One answer holds everything of its key.
        max_rows: The number of rows at which the vendor cuts an answer silently; 0 for no such cap.
        authoritative: Answers are believed whatever they lack.
    """

    contract: CompiledContract
    decoding: Decoding
    snapshot: bool
    max_rows: int
    authoritative: bool

    @classmethod
    def of(cls, stream: Stream) -> Recipe:
        """The recipe of a stream."""
        return cls(
            stream.contract.compiled(),
            Decoding(rename=dict(stream.rename), nulls=stream.nulls, from_key=stream.from_key),
            isinstance(stream.policy, Snapshot),
            stream.max_rows,
            stream.authoritative,
        )

    def refine(self, responses: pa.Table) -> KernelResult:
        """Decode the bodies and enforce the contract.

        Args:
            responses: Bronze rows with a body, at least `COLUMNS`.
        """
        return enforce_responses(responses, self.contract, self.decoding)

    def spans(self, result: KernelResult, responses: pa.Table) -> pa.Table:
        """What each response is the whole truth of: a key, between two days.

        A snapshot answers for all of its key (null bounds); a window's answer for the days that were asked for. Where
        the vendor cut the answer, it speaks only from its first to its last record. A response with rejected records
        says nothing about what is absent. Columns: response_id, known_at, key, min_event, max_event.
        """
        told = pl.DataFrame(
            responses.select(["response_id", "key", "fetched_at", "page", "window_start", "window_end"])
        )
        read = pl.DataFrame(result.counts).filter(pl.col("rejected") == 0).select("response_id", "read")
        spans = told.join(read, on="response_id").rename({"fetched_at": "known_at"})
        columns = ("response_id", "known_at", "key", "min_event", "max_event")
        return self._bounded(spans, result).select(columns).sort("known_at", "response_id").to_arrow()

    def _bounded(self, spans: pl.DataFrame, result: KernelResult) -> pl.DataFrame:
        """The spans with `min_event` and `max_event`."""
        event = self.contract.event_time
        if event is None:
            return spans.with_columns(pl.lit(None, pl.Date).alias(name) for name in ("min_event", "max_event"))
        seen = (
            pl.DataFrame(result.good.select(["_bronze_ref", event]))
            .group_by(response_id="_bronze_ref")
            .agg(first=pl.col(event).min(), last=pl.col(event).max())
        )
        whole = (pl.col("read") < self.max_rows) | (self.max_rows == 0)
        if self.snapshot:
            joined = spans.join(seen, on="response_id", how="left")
            start = end = pl.lit(None)
        else:
            joined = spans.join(seen, on="response_id")
            start, end = pl.col("window_start"), pl.col("window_end")
            whole &= pl.lit(self.contract.field(event).kind is Kind.DATE) & (pl.col("page") == 0)
        return joined.with_columns(
            min_event=pl.when(whole).then(start).otherwise("first"),
            max_event=pl.when(whole).then(end).otherwise("last"),
        )
