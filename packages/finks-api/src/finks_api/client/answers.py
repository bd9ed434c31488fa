"""What the client's methods return, read from the answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, TypeVar

import pyarrow as pa
from finks.errors import InvariantError, MalformedBodyError
from finks.lake.dataset import Dataset
from finks.source.model import Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

ARROW: Final = "application/vnd.apache.arrow.stream"


class Rows(Dataset):
    """The rows of one release, read whole: `.polars()`, `.arrow()`, `.pandas()`, `.duckdb()`.

    Args:
        name: What was asked for, for `repr`.
        table: The rows.
        release: The number of the Gold release that every page was read from.
        published_at: When that was published.
    """

    def __init__(self, name: str, table: pa.Table, release: int, published_at: datetime) -> None:
        super().__init__(f"{name}, release {release}, {table.num_rows:,} rows", lambda: table)
        self.release = release
        self.published_at = published_at


class _Told(BaseModel):
    """Members that a later version of the API adds are no error."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Served(_Told):
    """Which release is served.

    Attributes:
        version: Of finks-api.
    """

    release: int
    published_at: AwareDatetime
    age_seconds: int
    version: str


class FieldFacts(_Told):
    """One field of a record. `type` is Arrow's."""

    name: str
    type: str
    nullable: bool
    description: str


class DatasetFacts(_Told):
    """What the API says of a dataset; its OpenAPI schema is `Dataset`.

    Attributes:
        scope: What a key must be allowed to read.
        contract, contract_version, source, licence: None for a mart of Gold.
        first, last: The range of its event times, ISO 8601.
        known_at: When the newest version became known.
    """

    name: str
    description: str
    scope: str
    table: str
    release: int
    published_at: AwareDatetime
    contract: str | None
    contract_version: str | None
    source: str | None
    licence: str | None
    key: tuple[str, ...]
    records: int
    first: str | None
    last: str | None
    known_at: AwareDatetime | None
    fields: tuple[FieldFacts, ...]


class _Datasets(_Told):
    data: list[DatasetFacts]


Model = TypeVar("Model", bound=_Told)


def read_model(model: type[Model], answer: Response) -> Model:
    """An answer in JSON.

    Raises:
        MalformedBodyError: It is something else.
    """
    try:
        return model.model_validate_json(answer.body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise _malformed(answer, "what the API's OpenAPI document says", first["msg"]) from None


def read_datasets(answer: Response) -> list[DatasetFacts]:
    """The list of datasets; errors as `read_model`."""
    return read_model(_Datasets, answer).data


def read_pages(name: str, pages: Sequence[Response]) -> Rows:
    """The rows of all pages.

    Raises:
        MalformedBodyError: A page is no Arrow.
        InvariantError: The pages are not of one release.
    """
    tables = [_table(page) for page in pages]
    told = [(page.headers.get("finks-release", ""), page.headers.get("finks-published-at", "")) for page in pages]
    if len(set(told)) > 1 or not all(table.schema.equals(tables[0].schema) for table in tables):
        raise InvariantError(
            "The pages of one answer are not of one release.",
            where=_where(pages[0]),
            got=", ".join(sorted({release for release, _ in told})),
        )
    try:
        release, published_at = int(told[0][0]), datetime.fromisoformat(told[0][1])
    except ValueError:
        raise _malformed(pages[0], "the headers finks-release and finks-published-at", "others") from None
    return Rows(name, pa.concat_tables(tables), release, published_at)


def _table(page: Response) -> pa.Table:
    if page.content_type != ARROW:
        raise _malformed(page, ARROW, page.content_type or "no content type")
    try:
        return pa.ipc.open_stream(page.body).read_all()
    except pa.ArrowInvalid as error:
        raise _malformed(page, "a stream of Arrow IPC", str(error)) from None


def _malformed(answer: Response, expected: str, got: str) -> MalformedBodyError:
    return MalformedBodyError(
        "This is not an answer of the API.",
        where=_where(answer),
        expected=expected,
        got=got,
        hint="Is the address that of the API, and is this client of its version?",
    )


def _where(answer: Response) -> str:
    return answer.request.url.partition("?")[0]
