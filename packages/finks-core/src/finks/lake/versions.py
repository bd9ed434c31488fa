"""Which observations of a record are new versions. Pure: polars in, polars out.

An *observation* is "at `_known_at` this key had this row hash", or "was absent". Per key and in the
order (`_known_at`, `_seq`), an observation is a version when it differs from the one before it. The
stored versions take part, so a replay, or a rerun after a crash, finds its own rows and adds none.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl

RETRACTED_HASH: Final = 0
"""`_row_hash` of a version that says that the record is gone."""

ABSENT_SEQ: Final = -1
"""`_seq` of an absence: before anything seen at the same instant."""

ORDER: Final = ("_known_at", "_seq", "_retracted", "_row_hash")
GUARD_ROWS: Final = 3
GUARD_SHARE: Final = 0.1


@dataclass(frozen=True, slots=True)
class Decision:
    """What to write.

    Attributes:
        rows: Row indices of the candidates that are versions.
        restated: Candidates that are versions of a key known before: its key, `row` and `_known_at`.
        absences: Retractions to write: key, `_known_at`, `_bronze_ref`.
        new, changed, same: Counts of candidates.
        late: Versions of known keys that are older than an earlier batch.
    """

    rows: pl.Series
    restated: pl.DataFrame
    absences: pl.DataFrame
    new: int
    changed: int
    same: int
    late: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """What whole answers lack of what was live before them, and what they have of it.

    Keys do not meddle with each other, so the evidence of disjoint sets of keys can be put together, as long as
    `before` stays unique.

    Attributes:
        absent: One row per absence: key, `_known_at`, `_bronze_ref`, `before` (the number of the observation that it
            follows) and `next_ref` (the response that has the record again right after; null when none of the batch).
        present: `_bronze_ref` and `records`: how many records that were live before each response contains.
    """

    absent: pl.DataFrame
    present: pl.DataFrame

    def believed(self, unbelieved: Collection[str]) -> pl.DataFrame:
        """The absences without those of some responses: key, `_known_at`, `_bronze_ref`."""
        return self.absent.filter(~pl.col("_bronze_ref").is_in(list(unbelieved))).drop("before", "next_ref")


def observations(good: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """The candidates of `decide`, one per good record of the kernel."""
    seq = pl.col("_ordinal").cast(pl.Int32).alias("_seq")
    return good.select(*key, "_known_at", seq, "_row_hash", "_bronze_ref").with_row_index("row")


def first_load(
    candidates: pl.DataFrame, spans: pl.DataFrame | None, key: Sequence[str], event_time: str | None
) -> Decision | None:
    """What `decide` gives for an empty table when no key comes twice and no answer speaks of another one's records.

    None when that does not hold.
    """
    if candidates.height and candidates.select(pl.struct(key).is_duplicated().any()).item():
        return None
    if spans is not None and _overlap(candidates, spans, entity_column(key, event_time)):
        return None
    return Decision(
        pl.int_range(candidates.height, eager=True, dtype=pl.UInt32),
        candidates.clear().select(*key, "row", "_known_at"),
        candidates.clear().select(*key, "_known_at", "_bronze_ref"),
        new=candidates.height,
        changed=0,
        same=0,
        late=0,
    )


def _overlap(candidates: pl.DataFrame, spans: pl.DataFrame, entity: str | None) -> bool:
    """Whether a span may cover a record of another response."""
    name = pl.lit("") if entity is None else pl.col(entity).cast(pl.String)
    told = candidates.select(name.alias("_entity"), "_bronze_ref").unique()
    everything = pl.col("key").fill_null("") == ""
    pairs = [
        told.join(spans.filter(everything), how="cross"),
        told.join(spans.filter(~everything), left_on="_entity", right_on="key"),
    ]
    return any(part.filter(pl.col("_bronze_ref") != pl.col("response_id")).height for part in pairs)


def decide(
    stored: pl.DataFrame,
    candidates: pl.DataFrame,
    absences: pl.DataFrame,
    key: Sequence[str],
    high_water: datetime | None = None,
) -> Decision:
    """Merge observations with the stored versions of the touched keys.

    Args:
        stored: key, `_known_at`, `_seq`, `_row_hash`, `_retracted`.
        candidates: key, `_known_at`, `_seq`, `_row_hash`, `_bronze_ref`, `row` (index).
        absences: key, `_known_at`, `_bronze_ref`: those of `weigh` whose response is not `refused`.
        high_water: The newest `_known_at` of all earlier batches; None before the first.
    """
    merged = _merge(stored, candidates, absences, key).with_columns(
        first=_differs_from_previous(key), version=_differs_from_previous([*key, "_row_hash", "_retracted"])
    )
    fresh = merged.filter(~pl.col("stored"))
    kept = fresh.filter("version")
    present = kept.filter(~pl.col("_retracted"))
    new = int(present["first"].sum())
    return Decision(
        present["row"],
        present.filter(~pl.col("first")).select(*key, "row", "_known_at"),
        kept.filter("_retracted").select(*key, "_known_at", "_bronze_ref"),
        new=new,
        changed=present.height - new,
        same=fresh.filter(~pl.col("version") & ~pl.col("_retracted")).height,
        late=_late(kept, stored, key, high_water),
    )


def _late(kept: pl.DataFrame, stored: pl.DataFrame, key: Sequence[str], high_water: datetime | None) -> int:
    """Versions of known records that are older than what was seen before this batch.

    An observation that was dropped as equal may have to be a version now, and only Bronze still has it.
    """
    if high_water is None or kept.is_empty() or stored.is_empty():
        return 0
    return kept.filter(pl.col("_known_at") < high_water).join(stored, on=key, how="semi").height


def _merge(stored: pl.DataFrame, candidates: pl.DataFrame, absences: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    observed = [
        stored.select(
            *key,
            *ORDER,
            _bronze_ref=pl.lit(None, pl.String),
            row=pl.lit(None, pl.UInt32),
            stored=pl.lit(True),
        ),
        candidates.select(
            *key,
            "_known_at",
            "_seq",
            pl.lit(False).alias("_retracted"),
            "_row_hash",
            "_bronze_ref",
            "row",
            stored=pl.lit(False),
        ),
        absences.select(
            *key,
            "_known_at",
            pl.lit(ABSENT_SEQ, pl.Int32).alias("_seq"),
            pl.lit(True).alias("_retracted"),
            pl.lit(RETRACTED_HASH, pl.Int64).alias("_row_hash"),
            "_bronze_ref",
            pl.lit(None, pl.UInt32).alias("row"),
            stored=pl.lit(False),
        ),
    ]
    # A stored version sorts before the same observation seen again, so a replay is "same". Of two responses of one
    # instant that say the same, the smaller reference counts, on every engine.
    columns = [*key, *ORDER, "stored", "_bronze_ref"]
    return pl.concat(observed).sort(columns, descending=[name == "stored" for name in columns])


def _differs_from_previous(columns: Sequence[str]) -> pl.Expr:
    return pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in columns) | (
        pl.int_range(pl.len()) == 0
    )


def refused(evidence: Evidence) -> tuple[list[str], int]:
    """The responses that would retract too much to be believed, and how many records they lack.

    A response is judged by the state just before it, retractions by earlier responses of the same batch included, so
    it makes no difference how responses are cut into batches, or whether they come again.
    """
    present: dict[str, int] = dict(evidence.present.iter_rows())
    gone: set[int] = set()
    names: list[str] = []
    suspicious = 0
    by_response = evidence.absent.sort("_known_at", "_bronze_ref").group_by("_bronze_ref", maintain_order=True)
    for response, before, after in by_response.agg("before", "next_ref").iter_rows():
        lost = {number: ref for number, ref in zip(before, after, strict=True) if number not in gone}
        if len(lost) > max(GUARD_ROWS, GUARD_SHARE * (len(lost) + present.get(response, 0))):
            suspicious += len(lost)
            names.append(response)
            continue
        gone.update(lost)
        for ref in lost.values():
            if ref is not None:
                present[ref] -= 1
    return names, suspicious


def weigh(stored: pl.DataFrame, candidates: pl.DataFrame, absences: pl.DataFrame, key: Sequence[str]) -> Evidence:
    """The evidence in the absences and the candidates whose key was live before, absences of this batch left aside.

    Args:
        stored, candidates: As of `decide`.
        absences: What `absent_keys` gives.
    """
    # A stored version that is observed again must not count as the state before itself.
    first_time = _merge(stored.clear(), candidates, absences, key).select(*key, *ORDER)
    others = stored.join(first_time, on=[*key, *ORDER], how="anti")
    merged = _merge(others, candidates, absences, key).with_row_index("number")
    real = pl.col("stored") | ~pl.col("_retracted")
    merged = merged.with_columns(
        before=pl.when(real).then("number").shift(1).forward_fill().over(key),
        live=pl.when(real).then(~pl.col("_retracted")).shift(1).forward_fill().over(key).fill_null(False),
    ).filter(~pl.col("stored") & pl.col("live"))
    present = merged.filter(~pl.col("_retracted"))
    following = present.select("before", next_ref="_bronze_ref")
    absent = merged.filter("_retracted").join(following, on="before", how="left")
    return Evidence(
        absent.select(*key, "_known_at", "_bronze_ref", "before", "next_ref"),
        present.group_by("_bronze_ref").len("records"),
    )


def entity_column(key: Sequence[str], event_time: str | None) -> str | None:
    """The key column with which a response's key is compared: the first that is not the event time."""
    return next((name for name in key if name != event_time), None)


def absent_keys(
    stored: pl.DataFrame, candidates: pl.DataFrame, spans: pl.DataFrame, key: Sequence[str], event_time: str | None
) -> pl.DataFrame:
    """The known keys inside each span that its response did not contain.

    Args:
        stored, candidates: At least the key; candidates also `_bronze_ref`.
        spans: `response_id`, `known_at`, `key` (text; null or empty for every key), `min_event`, `max_event`
            (null for no bound).
            `key` is compared with the `entity_column`.

    Returns:
        key, `_known_at`, `_bronze_ref`.
    """
    entity = entity_column(key, event_time)
    known = pl.concat([stored.select(key), candidates.select(key)]).unique()
    whole = spans.filter(pl.col("key").fill_null("") == "").drop("key")
    pairs = [known.join(whole, how="cross")] if whole.height else []
    if entity is not None:
        one = spans.filter(pl.col("key").fill_null("") != "")
        text = known.with_columns(pl.col(entity).cast(pl.String).alias("key"))
        pairs.append(text.join(one, on="key").drop("key"))
    if not pairs:
        return known.clear().with_columns(_known_at=pl.lit(None, pl.Datetime("us", "UTC")), _bronze_ref=pl.lit(""))
    columns = [*key, "response_id", "known_at", "min_event", "max_event"]
    inside = pl.concat([part.select(columns) for part in pairs])
    if event_time is not None:
        unbounded = pl.col("min_event").is_null()
        inside = inside.filter(unbounded | pl.col(event_time).is_between(pl.col("min_event"), pl.col("max_event")))
    seen = candidates.select(*key, pl.col("_bronze_ref").alias("response_id"))
    missing = inside.join(seen, on=[*key, "response_id"], how="anti")
    return missing.select(*key, pl.col("known_at").alias("_known_at"), pl.col("response_id").alias("_bronze_ref"))
