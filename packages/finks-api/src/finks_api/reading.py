"""From a request for data to its answer: which release, which page, which rows, which bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from importlib.metadata import version
from typing import Final
from urllib.parse import parse_qsl, urlencode

import orjson
import pyarrow as pa
from fastapi import Request, Response
from finks.lake.releases import Release

from finks_api.answers import keep_answer
from finks_api.backends.protocol import Backend, StillRunning
from finks_api.formats import Envelope, Format, instant_text, negotiate
from finks_api.keys.model import Grant
from finks_api.paging import Page, PageTokens
from finks_api.parameters import DataParameters
from finks_api.problems import Problem
from finks_api.query import Filter, Query
from finks_api.records import Record
from finks_api.representation import matched
from finks_api.versions import Versions, snapshot_of

POLL_SECONDS: Final = 2
_VERSION: Final = version("finks-api")


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked for, whatever page and format.

    Attributes:
        as_of: The knowledge time; None for now.
    """

    record: Record
    filters: tuple[Filter, ...]
    as_of: datetime | None
    limit: int

    @property
    def canonical(self) -> bytes:
        """The same for all requests that ask for the same."""
        filters = [[each.column, each.operator, each.value] for each in self.filters]
        return orjson.dumps([self.record.dataset, filters, self.as_of, self.limit])


class Reader:
    """Answers requests for records.

    Args:
        backend: Where rows come from.
        versions: Which release an answer reads.
        tokens: Makes page tokens.
        tables: The table of each dataset, `<zone>.<name>`.
        clock: The time, aware.
    """

    def __init__(
        self,
        backend: Backend,
        versions: Versions,
        tokens: PageTokens,
        tables: Mapping[str, str],
        clock: Callable[[], datetime],
    ) -> None:
        self._backend = backend
        self._versions = versions
        self._tokens = tokens
        self._tables = tables
        self._clock = clock

    def answer(
        self,
        request: Request,
        record: Record,
        parameters: DataParameters,
        filters: Sequence[Filter] = (),
        *,
        missing: Callable[[Release], Problem | None] = lambda release: None,
    ) -> Response:
        """One page of records.

        Args:
            request: The request, with the key's grant.
            record: What is wanted.
            parameters: The route's parameters.
            filters: Which records.
            missing: Called when there are no rows at all; may say what does not exist.

        Raises:
            Problem: There is no such answer.
        """
        grant = grant_of(request)
        form = negotiate(request.headers.get("accept"), parameters.format)
        ask = Ask(record, tuple(filters), parameters.as_of, parameters.limit)
        release, page = self._page(ask, parameters.page, grant)
        envelope = Envelope(release.release_id, release.published_at, ask.as_of)
        headers = _headers(envelope, _etag(ask, page, form))
        if matched(request.headers.get("if-none-match", "").encode(), headers["etag"].encode()):
            return Response(status_code=304, headers=headers)
        try:
            rows = self._backend.rows(self._query(ask, page), release)
            problem = missing(release) if not rows.num_rows and page.after is None else None
        except StillRunning:
            # The same page of the same release, whatever is published while the engine works.
            token = self._tokens.make(page, key_id=grant.key_id, query=ask.canonical)
            return running(_with_page(request, token))
        if problem is not None:
            raise problem
        return self._written(request, ask, form, rows, envelope, headers)

    def release(self, table: str, as_of: datetime | None) -> Release:
        """The release that an answer about a table reads.

        Raises:
            Problem: `invalid-parameter`: the time is in the future; or as `Versions`.
        """
        if as_of is not None and as_of > self._clock():
            raise Problem("invalid-parameter", "as_of: give a time that is not in the future.")
        gold = table.startswith("gold.")
        return self._versions.at(as_of) if gold and as_of is not None else self._versions.current()

    def exists(self, record: Record, column: str, value: str, release: Release) -> bool:
        """Whether a release has a record with this value."""
        ask = Ask(record, (Filter(column, "=", value),), None, 1)
        if snapshot_of(self._tables[record.dataset], release) is None:
            return True  # nothing says that it does not
        return self._backend.rows(self._query(ask, Page(release.release_id, None)), release).num_rows > 0

    def _page(self, ask: Ask, token: str | None, grant: Grant) -> tuple[Release, Page]:
        table = self._tables[ask.record.dataset]
        if token is None:
            release = self.release(table, ask.as_of)
            page = Page(release.release_id, None)
        else:
            types = [ask.record.arrow.field(name).type for name in ask.record.key]
            page = self._tokens.open(token, key_id=grant.key_id, query=ask.canonical, key=types)
            found = self._versions.numbered(page.release_id)
            if found is None:
                raise Problem("expired-version", f"Release {page.release_id} is no longer kept.")
            release = found
        if snapshot_of(table, release) is None:
            raise Problem("unknown-dataset", f"Release {release.release_id} has no {ask.record.dataset}.")
        return release, page

    def _query(self, ask: Ask, page: Page) -> Query:
        """With one row more than wanted: whether there is a next page."""
        table = self._tables[ask.record.dataset]
        known_at = ask.as_of if table.startswith("silver.") else None
        record = ask.record
        return Query(table, record.arrow, record.key, ask.filters, known_at, page.after, ask.limit + 1)

    def _written(
        self, request: Request, ask: Ask, form: Format, rows: pa.Table, envelope: Envelope, headers: dict[str, str]
    ) -> Response:
        token = None
        if rows.num_rows > ask.limit:
            rows = rows.slice(0, ask.limit)
            last = tuple(rows[name][-1].as_py() for name in ask.record.key)
            page = Page(envelope.release, last)
            token = self._tokens.make(page, key_id=grant_of(request).key_id, query=ask.canonical)
            headers["link"] = f'<{_with_page(request, token)}>; rel="next"'
        told = Envelope(envelope.release, envelope.published_at, envelope.as_of, token)
        keep_answer(request.scope)
        return Response(form.write(rows, told), headers={**headers, "content-type": form.content_type})


def grant_of(request: Request) -> Grant:
    """What the key of a request allows."""
    return request.scope["state"]["grant"]


def allow(request: Request, scope: str) -> None:
    """Refuse a key that may not read a dataset.

    Raises:
        Problem: `forbidden-dataset`.
    """
    datasets = grant_of(request).datasets
    if datasets is not None and scope not in datasets:
        raise Problem("forbidden-dataset", f"The key may not read {scope}.")


def allow_portfolio(request: Request, portfolio_id: str) -> None:
    """Refuse a key that may not read a portfolio, whether there is such a portfolio or not.

    Raises:
        Problem: `forbidden-portfolio`.
    """
    portfolios = grant_of(request).portfolios
    if portfolios is not None and portfolio_id not in portfolios:
        raise Problem.fixed("forbidden-portfolio")


def _etag(ask: Ask, page: Page, form: Format) -> str:
    said = orjson.dumps([_VERSION, page.release_id, page.after, form.name])
    return f'"{sha256(said + ask.canonical).hexdigest()[:32]}"'


def _headers(envelope: Envelope, etag: str) -> dict[str, str]:
    return {
        "etag": etag,
        "finks-release": str(envelope.release),
        "finks-published-at": instant_text(envelope.published_at),
        "cache-control": "private, no-cache",
        "vary": "Accept, Accept-Encoding, X-API-Key",
    }


def running(address: str) -> Response:
    """The answer while the engine still runs the query; the same request at `address` goes on waiting for it."""
    headers = {
        "location": address,
        "retry-after": str(POLL_SECONDS),
        "cache-control": "no-store",
        "content-type": "application/json",
    }
    return Response(b'{"status":"running"}', status_code=202, headers=headers)


def _with_page(request: Request, token: str) -> str:
    """The request's own address with another page, relative to itself: right behind any gateway."""
    asked = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return "?" + urlencode([*((name, value) for name, value in asked if name != "page"), ("page", token)])
