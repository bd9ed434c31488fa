"""The kernel: response bodies and a contract to good rows, rejects and counts. Pure, in Arrow and out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import polars as pl
import pyarrow as pa

from finks.contract.bodies import ORDINAL, RESPONSE, Fault
from finks.contract.declare import Contract
from finks.contract.decode import Decoding, decode
from finks.contract.enforce import ROW, Enforcer
from finks.contract.keys import LOCATED_SCHEMA, located, unique_keys, without
from finks.contract.result import COUNT_SCHEMA, MICROSECONDS, REJECT_SCHEMA, KernelResult, good_schema
from finks.contract.rowhash import row_hash
from finks.contract.schemas import arrow_schema
from finks.contract.source_text import excerpt, record_texts
from finks.contract.spec import CompiledContract
from finks.errors import ContractViolationError, InvariantError, MalformedBodyError

BATCH_BYTES = 16 * 2**20
"""Bodies are worked on in batches of about this size, so that memory follows the result, not the input."""


def enforce_responses(responses: pa.Table, contract: CompiledContract, decoding: Decoding) -> KernelResult:
    """Decode bodies and enforce their contract.

    Args:
        responses: Columns response_id, key, content_type, body and fetched_at (timestamp[us, UTC]): Bronze
            rows with outcome ok; a body is not null.
        contract: What a record must be.
        decoding: What the vendor calls things.

    Returns:
        Good rows, rejects and counts. Identical records of one key in one response count once and their
        copies as duplicates; records of one key that differ are all rejected. A record that already broke
        a rule does not compete for its key.

    Raises:
        InvariantError: The counts do not balance, a defect.
    """
    run = _Run(responses, contract, decoding)
    for batch in _batches(responses.column("body")):
        run.batch(batch)
    return run.result()


def filter(
    body: bytes,
    contract: type[Contract] | CompiledContract,
    *,
    content_type: str = "application/json",
    decoding: Decoding | None = None,
    key: str = "",
    response_id: str = "",
    fetched_at: datetime = datetime(1970, 1, 1, tzinfo=UTC),
) -> KernelResult:
    """Split one body into good rows and rejects.

    Args:
        body: The bytes of a response or file.
        contract: What a record must be.
        content_type: The declared media type; the content decides where it is plain.
        decoding: What the vendor calls things; by default as the contract does, with empty texts as nulls.
        key: The slice's key, for a decoding with `from_key`.
        response_id: Becomes `_bronze_ref`.
        fetched_at: Becomes `_known_at`; aware.
    """
    responses = pa.table(
        {
            "response_id": pa.array([response_id], pa.string()),
            "key": pa.array([key], pa.string()),
            "content_type": pa.array([content_type], pa.string()),
            "body": pa.array([body], pa.binary()),
            "fetched_at": pa.array([fetched_at], MICROSECONDS),
        }
    )
    compiled = contract if isinstance(contract, CompiledContract) else contract.compiled()
    return enforce_responses(responses, compiled, decoding or Decoding())


def validate(
    body: bytes,
    contract: type[Contract] | CompiledContract,
    *,
    content_type: str = "application/json",
    decoding: Decoding | None = None,
    key: str = "",
) -> pa.Table:
    """The good rows of a body that has nothing but good rows (and identical copies of them).

    Args: as of `filter`.

    Raises:
        MalformedBodyError: The body is not what its format requires.
        ContractViolationError: Records broke rules; the message counts them per rule with examples.
    """
    result = filter(body, contract, content_type=content_type, decoding=decoding, key=key)
    if result.rejects.num_rows == 0:
        return result.good
    compiled = contract if isinstance(contract, CompiledContract) else contract.compiled()
    where = f"contract {compiled.name} {compiled.version}"
    rejects = result.rejects.select(["ordinal", "rule", "reason"]).to_pylist()
    if rejects[0]["ordinal"] == -1:
        raise MalformedBodyError("the body is malformed", where=where, got=rejects[0]["reason"])
    rules = ", ".join(f"{rule} {count}" for rule, count in Counter(row["rule"] for row in rejects).most_common())
    examples = "; ".join(f"record {row['ordinal']}: {row['reason']}" for row in rejects[:3])
    raise ContractViolationError(
        f"{len(rejects)} of {result.counts['read'][0].as_py()} records broke their contract",
        where=where,
        expected="no reject",
        got=f"{rules}. {examples}",
        hint="filter() keeps the good rows and gives the rejects with their source text",
    )


def _batches(bodies: pa.ChunkedArray) -> Iterator[list[tuple[int, bytes]]]:
    """Positions and bytes of the bodies, in groups of about `BATCH_BYTES`."""
    batch: list[tuple[int, bytes]] = []
    size = 0
    for position, scalar in enumerate(value for chunk in bodies.chunks for value in chunk):
        content = scalar.as_py()
        batch.append((position, content))
        size += len(content)
        if size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class _Run:
    """The state of one call: what the batches gave so far."""

    def __init__(self, responses: pa.Table, contract: CompiledContract, decoding: Decoding) -> None:
        self._responses = responses
        self._contract = contract
        self._decoding = decoding
        self._enforcer = Enforcer(contract, decoding)
        self._types: list[str] = [text or "" for text in responses.column("content_type").to_pylist()]
        self._keys = pl.Series(responses.column("key").to_pylist(), dtype=pl.String)
        self._good: list[pl.DataFrame] = []
        self._rejects: list[pl.DataFrame] = []
        self._records: dict[tuple[int, int], str] = {}
        self._read = [0] * responses.num_rows
        self._duplicates = [0] * responses.num_rows

    def batch(self, bodies: Sequence[tuple[int, bytes]]) -> None:
        """Work on some bodies."""
        parts = decode([(index, self._types[index], body) for index, body in bodies], self._contract, self._decoding)
        found: list[pl.DataFrame] = []
        for part in parts:
            enforced = self._enforcer.enforce(part, self._keys)
            bad, duplicates = unique_keys(enforced, self._contract)
            _count(self._read, part.frame[RESPONSE])
            _count(self._duplicates, part.frame[RESPONSE].gather(duplicates))
            out = pl.concat([bad[ROW], duplicates]) if len(duplicates) else bad[ROW]
            self._good.append(without(enforced.frame, out))
            if bad.height:
                found.append(located(enforced.texts, bad, self._contract))
            found += [self._whole(fault) for fault in part.faults if fault.ordinal < 0]
        if found:
            self._remember(pl.concat(found), dict(bodies))

    def _whole(self, fault: Fault) -> pl.DataFrame:
        self._read[fault.response] += 1
        row = (fault.response, -1, None, 0, fault.rule, None, fault.reason)
        return pl.DataFrame([row], schema=LOCATED_SCHEMA, orient="row")

    def _remember(self, rejects: pl.DataFrame, bodies: Mapping[int, bytes]) -> None:
        """Keep rejects with the source text of each, while the bodies are at hand."""
        self._rejects.append(rejects)
        for (response,), rows in rejects.group_by(RESPONSE):
            assert isinstance(response, int)
            ordinals = set(rows[ORDINAL].to_list())
            content = bodies[response]
            if -1 in ordinals:
                self._records[response, -1] = excerpt(content)
                continue
            for ordinal, text in record_texts(self._types[response], content, ordinals).items():
                self._records[response, ordinal] = text

    def result(self) -> KernelResult:
        """Put everything together. Raises InvariantError when the counts do not balance."""
        good = self._good_rows()
        rejects = pl.concat(self._rejects) if self._rejects else pl.DataFrame(schema=LOCATED_SCHEMA)
        counts = self._counts(good[RESPONSE], rejects[RESPONSE])
        return KernelResult(self._finished(good), self._reject_table(rejects), counts)

    def _good_rows(self) -> pl.DataFrame:
        if not self._good:
            empty = pl.from_arrow(arrow_schema(self._contract).empty_table())
            assert isinstance(empty, pl.DataFrame)
            places = pl.DataFrame(schema={RESPONSE: pl.Int32, ORDINAL: pl.Int32})
            return pl.concat([places, empty], how="horizontal")
        good = pl.concat(self._good, rechunk=True)
        self._good.clear()
        return good if good[RESPONSE].is_sorted() else good.sort(RESPONSE, ORDINAL)

    def _finished(self, good: pl.DataFrame) -> pa.Table:
        """Good rows in Arrow with the columns that finks adds."""
        schema = good_schema(self._contract)
        names = [spec.name for spec in self._contract.fields]
        values = good.select(names).to_arrow(compat_level=pl.CompatLevel.oldest()).cast(arrow_schema(self._contract))
        places = good[RESPONSE].to_arrow()
        columns = {
            "_row_hash": row_hash(values),
            "_known_at": self._column("fetched_at", MICROSECONDS).take(places),
            "_bronze_ref": self._column("response_id", pa.string()).take(places),
            "_ordinal": good[ORDINAL].to_arrow(),
        }
        return pa.Table.from_arrays([*values.columns, *columns.values()], schema=schema)

    def _column(self, name: str, kind: pa.DataType) -> pa.Array:
        return self._responses.column(name).cast(kind).combine_chunks()

    def _reject_table(self, rejects: pl.DataFrame) -> pa.Table:
        rejects = rejects.sort(RESPONSE, ORDINAL)
        places = rejects[RESPONSE].to_arrow()
        positions = list(zip(rejects[RESPONSE].to_list(), rejects[ORDINAL].to_list(), strict=True))
        columns = [
            self._column("response_id", pa.string()).take(places),
            rejects[ORDINAL].to_arrow(),
            pa.array([self._records.get(position, "") for position in positions], pa.string()),
            *(rejects[name].to_arrow().cast(pa.string()) for name in ("key_text", "field", "rule", "reason")),
            pa.repeat(self._contract.name, rejects.height),
            pa.repeat(self._contract.version, rejects.height),
            self._column("fetched_at", MICROSECONDS).take(places),
        ]
        return pa.Table.from_arrays(columns, schema=REJECT_SCHEMA)

    def _counts(self, good: pl.Series, rejected: pl.Series) -> pa.Table:
        size = self._responses.num_rows
        good_counts, reject_counts = [0] * size, [0] * size
        _count(good_counts, good)
        _count(reject_counts, rejected)
        for read, *outcomes in zip(self._read, good_counts, reject_counts, self._duplicates, strict=True):
            if read != sum(outcomes):
                raise InvariantError(
                    "records were lost or invented",
                    where=f"kernel, contract {self._contract.name}",
                    expected=f"{read} records",
                    got="good, rejected, duplicates " + ", ".join(map(str, outcomes)),
                )
        ids = self._column("response_id", pa.string())
        numbers = (pa.array(c, pa.int64()) for c in (self._read, good_counts, reject_counts, self._duplicates))
        return pa.Table.from_arrays([ids, *numbers], schema=COUNT_SCHEMA)


def _count(counts: list[int], responses: pl.Series) -> None:
    for response, number in responses.value_counts().iter_rows():
        counts[response] += number
