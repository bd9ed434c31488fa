"""The client, over HTTP: what it reads is what the lake holds, and what it raises says what to do."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import polars as pl
import pyarrow as pa
import pytest
from finks.errors import (
    ConfigurationError,
    CredentialsError,
    DeadlineExceededError,
    EntitlementError,
    InvariantError,
    MalformedBodyError,
    QuotaExhaustedError,
    RetryableError,
    SourceUnavailableError,
)
from finks.testing.fault_server import FaultServer
from finks.testing.replies import Reply, html, json_text, reset, slow, truncated
from finks_api import Client
from finks_api.formats import Envelope
from finks_api.formats.writers import write_arrow
from finks_api.keys.edit import add_key, set_plan
from finks_api.keys.place import key_place
from finks_api.problems import MEDIA_TYPE, Problem
from finks_api.records import SECURITY
from finks_connectors.fmp.contracts import DailyBar

from tests.integration.api.conftest import now
from tests.integration.api.small_lake import KNOWN, SYMBOLS, _bar, day

SECURITIES = "/v1/securities"
KEY = "finks" + "0123456789abcdef" * 4


@pytest.fixture
def client(serve, new_key) -> Client:
    key = new_key()
    return Client(str(serve().base_url), key)


@pytest.fixture
def faults():
    with FaultServer() as server:
        yield server


@pytest.fixture
def reader(faults) -> Callable[..., Client]:
    return lambda **options: Client(faults.url, KEY, **options)


def page(release: int = 1, **headers: str) -> Reply:
    table = pa.Table.from_pylist([], schema=SECURITY.arrow)
    told = {"content-type": "application/vnd.apache.arrow.stream", "finks-release": str(release)}
    told["finks-published-at"] = "2026-01-01T00:00:00Z"
    return Reply(write_arrow(table, Envelope(release, KNOWN)), headers={**told, **headers})


def problem(slug: str, **headers: str) -> Reply:
    told = Problem(slug, f"about {KEY}")
    return Reply(told.body(), told.status, {"content-type": MEDIA_TYPE, "x-correlation-id": "r1", **headers})


def expected(small, table: str, **only) -> pl.DataFrame:
    zone, _, name = table.partition(".")
    return (small.lake.gold(name) if zone == "gold" else small.lake.latest(name)).polars().filter(**only)


@pytest.mark.parametrize(
    ("read", "table", "only", "key"),
    [
        (lambda c: c.portfolios(), "silver.files_portfolios", {}, ["portfolio_id"]),
        (lambda c: c.summary("o'hara; drop table"), "gold.daily_portfolio_summary",
         {"portfolio_id": "o'hara; drop table"}, ["date"]),
        (lambda c: c.positions("alpha", day(3)), "gold.fct_position_daily",
         {"portfolio_id": "alpha", "date": day(3)}, ["symbol"]),
        (lambda c: c.transactions("alpha"), "silver.files_transactions", {"portfolio_id": "alpha"}, ["transaction_id"]),
        (lambda c: c.securities(), "gold.dim_security", {}, ["symbol"]),
        (lambda c: c.security("BRK-B"), "gold.dim_security", {"symbol": "BRK-B"}, ["symbol"]),
        (lambda c: c.bars("AAPL"), "silver.fmp_daily_bars", {"symbol": "AAPL"}, ["session"]),
        (lambda c: c.dividends("AAPL"), "silver.fmp_dividends", {"symbol": "AAPL"}, ["ex_date"]),
        (lambda c: c.fundamentals("AAPL"), "silver.fmp_income_statements", {"symbol": "AAPL"}, ["period_end"]),
        (lambda c: c.splits("AAPL"), "silver.fmp_splits", {"symbol": "AAPL"}, ["ex_date"]),
    ],
)  # fmt: skip
def test_a_method_gives_the_tables_rows_with_their_types(client, small, read, table, only, key):
    rows = read(client).polars().drop("known_at", strict=False)
    assert rows.height
    assert rows.equals(expected(small, table, **only).select(rows.columns).sort(key))


def test_a_hundred_thousand_rows_are_one_frame(client, small):
    many = [f"S{number:07d}" for number in range(100_000)]
    table = pa.table({
        "symbol": many, "name": many, "currency": ["USD"] * len(many), "exchange": pa.nulls(len(many), pa.string()),
        "sessions": range(len(many)), "first_session": [day(0)] * len(many), "last_session": [day(9)] * len(many),
    }).cast(SECURITY.arrow)  # fmt: skip
    with small.lake.hold(run_id="run-2", command="a test"):
        small.lake.publish({"dim_security": table}, run_id="run-2")
    assert client.securities().polars().equals(pl.DataFrame(table))


def test_a_range_and_a_time_are_asked_for(client, small):
    later = KNOWN + timedelta(days=30)
    small.silver("fmp_daily_bars", DailyBar, [_bar("AAPL", day(2), 999)], later)
    small.publish(Decimal(2))
    closes = client.bars("AAPL", day(1), "2020-01-03").polars()["close"].to_list()
    before = client.bars("AAPL", day(1), day(2), as_of=later - timedelta(days=1)).polars()["close"].to_list()
    assert (closes, before) == ([Decimal(101), Decimal(999)], [Decimal(101), Decimal(102)])


def test_rows_tell_their_release(client, small):
    first = small.lake.releases()[0]
    small.publish(Decimal(2))
    then, today = client.summary("alpha", as_of=first.published_at), client.summary("alpha")
    assert (then.release, then.published_at, today.release) == (1, first.published_at, 2)
    assert "release 2, 10 rows" in repr(today)


def test_no_rows_have_the_types_of_rows(client):
    empty = client.summary("alpha", "2030-01-01").polars()
    assert (empty.height, empty.schema["total_value"]) == (0, pl.Decimal(38, 10))


def test_datasets_say_what_they_are(client, small):
    bars = client.dataset("bars")
    assert (bars.records, bars.contract, bars.first, bars.release) == (20, "daily_bar", "2020-01-01", 1)
    assert bars in client.datasets()
    assert {field.name for field in bars.fields} >= {"symbol", "close"}


def test_the_version_is_the_served_release(client, small):
    small.publish(Decimal(2))
    assert client.version().release == 2


def test_a_release_that_comes_between_two_pages_is_not_read(make_app, serve, small, new_key):
    key, inner = new_key(), make_app()
    small.publish(Decimal(2), days=6000)

    async def publishing(scope, receive, send):
        await inner(scope, receive, send)
        if small.lake.served_release() == 2:
            small.publish(Decimal(3), days=6000)

    rows = Client(str(serve(publishing).base_url), key).summary("alpha")
    assert (rows.release, small.lake.served_release()) == (2, 3)
    assert rows.polars()["total_value"].to_list() == [Decimal(2)] * 6000


def test_pages_of_two_releases_are_a_defect(faults, reader):
    faults.route(SECURITIES, page(1, link='<?page=2>; rel="next"'), page(2))
    with pytest.raises(InvariantError, match="not of one release"):
        reader().securities()


def test_a_page_elsewhere_is_not_asked_for(faults, reader):
    faults.route(SECURITIES, page(link='<https://example.com/v1/securities?page=2>; rel="next"'))
    with pytest.raises(MalformedBodyError, match="another address"):
        reader().securities()
    assert len(faults.requests) == 1


def test_a_redirect_is_not_followed(faults, reader):
    faults.route(SECURITIES, Reply(status=302, headers={"location": "/elsewhere"}))
    with pytest.raises(ConfigurationError):
        reader().securities()
    assert [request.path for request in faults.requests] == [SECURITIES]


def test_a_running_query_is_waited_for_where_it_runs(faults, reader):
    running = json_text('{"status":"running"}', 202, location="?format=arrow&page=pinned", retry_after="0")
    faults.route(SECURITIES, running, running, page(7))
    assert reader().securities().release == 7
    assert [request.params.get("page") for request in faults.requests] == [None, "pinned", "pinned"]


def test_a_query_that_runs_on_ends_with_the_deadline(faults, reader):
    faults.route(SECURITIES, json_text('{"status":"running"}', 202, location="?page=pinned", retry_after="2"))
    with pytest.raises(DeadlineExceededError, match="still runs"):
        reader(deadline=1).securities()


@pytest.mark.parametrize("slug", ["rate-exceeded", "busy", "unavailable"])
def test_what_passes_is_waited_out(faults, reader, slug):
    faults.route(SECURITIES, problem(slug, **{"retry-after": "0"}), page())
    assert reader().securities().release == 1


@pytest.mark.parametrize("broken", [truncated(page()), reset()], ids=["truncated", "reset"])
def test_a_broken_connection_is_tried_again(faults, reader, broken):
    faults.route(SECURITIES, broken, page())
    assert reader().securities().release == 1


@pytest.mark.parametrize(
    ("slug", "error"),
    [
        ("invalid-parameter", ConfigurationError),
        ("invalid-key", CredentialsError),
        ("refused", ConfigurationError),
        ("forbidden-dataset", EntitlementError),
        ("forbidden-portfolio", EntitlementError),
        ("unknown-security", ConfigurationError),
        ("expired-version", ConfigurationError),
        ("too-much-data", ConfigurationError),
        ("rate-exceeded", QuotaExhaustedError),
        ("quota-exceeded", QuotaExhaustedError),
        ("internal", SourceUnavailableError),
        ("unavailable", SourceUnavailableError),
    ],
)
def test_a_problem_is_an_error_that_says_what_to_do(faults, reader, slug, error):
    faults.route(SECURITIES, problem(slug, **{"retry-after": "3600"}))
    with pytest.raises(error) as raised:
        reader().securities()
    told = Problem(slug, "")
    assert (type(raised.value), raised.value.message, raised.value.hint) == (error, told.kind.title, told.kind.help)
    assert raised.value.where == faults.url + SECURITIES
    assert raised.value.got == f"{told.status}, about [redacted], request r1"
    assert len(faults.requests) == 1


def test_a_days_quota_is_not_waited_for_however_soon_it_is_back(faults, reader):
    faults.route(SECURITIES, problem("quota-exceeded", **{"retry-after": "0"}), page())
    with pytest.raises(QuotaExhaustedError):
        reader().securities()


def test_a_release_that_goes_between_two_pages_can_be_read_again(faults, reader):
    faults.route(SECURITIES, page(link='<?page=2>; rel="next"'), problem("expired-version"))
    with pytest.raises(RetryableError, match="The same call"):
        reader().securities()


def test_retries_end(faults, reader):
    faults.route(SECURITIES, problem("unavailable", **{"retry-after": "0"}))
    with pytest.raises(SourceUnavailableError):
        reader().securities()
    assert len(faults.requests) == 5


def test_an_answer_that_comes_by_drops_ends_with_the_deadline(faults, reader):
    faults.route(SECURITIES, slow(page()))
    with pytest.raises(DeadlineExceededError):
        reader(deadline=0.5).securities()


def test_nobody_there_is_an_unavailable_source(faults):
    with pytest.raises(SourceUnavailableError):
        Client(faults.refusing_url, KEY, deadline=1).securities()


@pytest.mark.parametrize("reply", [html(), json_text("[]"), Reply(b"x", headers=dict(page().headers))], ids=str)
def test_another_websites_page_is_no_answer(faults, reader, reply):
    faults.route(SECURITIES, reply)
    with pytest.raises(MalformedBodyError, match="Is the address that of the API"):
        reader().securities()


@pytest.mark.parametrize("url", ["api.example.com", "ftp://example.com", "https://", "https://example.com/?a=1"])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(ConfigurationError):
        Client(url, KEY)


def test_a_key_that_no_header_can_carry_is_refused_unseen():
    with pytest.raises(ConfigurationError) as raised:
        Client("https://example.com", KEY + "\n")
    assert KEY not in str(raised.value)


def test_a_wrong_key_is_told_from_one_that_may_not(serve, new_key):
    narrow, wide = new_key(portfolios=["alpha"]), new_key()
    url = str(serve().base_url)
    with pytest.raises(CredentialsError):
        Client(url, KEY).portfolios()
    with pytest.raises(EntitlementError):
        Client(url, narrow).summary("beta")
    with pytest.raises(ConfigurationError, match="no such portfolio"):
        Client(url, wide).summary("beta")


def test_a_used_up_quota_is_said(serve, key_file):
    place = key_place(key_file)
    set_plan(place, "scarce", rate=100, burst=10, daily_quota=1)
    key = add_key(place, name="a test", now=now(), plan="scarce")[0]
    reader = Client(str(serve().base_url), key)
    assert reader.securities().polars()["symbol"].to_list() == list(SYMBOLS)
    with pytest.raises(QuotaExhaustedError):
        reader.securities()


def test_the_key_is_nowhere_to_be_read(faults, reader, caplog):
    caplog.set_level(logging.DEBUG)
    faults.route(SECURITIES, problem("invalid-key"))
    client = reader()
    with pytest.raises(CredentialsError) as raised:
        client.securities()
    assert faults.requests[0].headers["x-api-key"] == KEY
    shown = "".join([repr(client), str(vars(client)), str(vars(client._calls)), str(raised.value), caplog.text])
    assert KEY not in shown


def test_a_client_that_was_closed_says_so(client):
    with client:
        assert client.version().release == 1
    with pytest.raises(ConfigurationError, match="closed"):
        client.version()
