"""What the API says is what the lake holds."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from urllib.parse import quote

import pyarrow as pa
import pytest
from finks_connectors.fmp.contracts import DailyBar

from tests.integration.api.small_lake import KNOWN, _bar, day

AWKWARD = quote("o'hara; drop table", safe="")


@pytest.fixture
def client(serve):
    return serve()


def test_a_summary_has_the_marts_values(client, small):
    rows = client.get("/v1/portfolios/alpha/summary").json()["data"]
    mart = small.lake.gold("daily_portfolio_summary").polars().filter(portfolio_id="alpha").sort("date").to_dicts()
    for row, expected in zip(rows, mart, strict=True):
        for name, value in expected.items():
            same = Decimal(row[name]) if isinstance(value, Decimal) else row[name]
            assert same == (value.isoformat() if name == "date" else value)


def test_an_answer_names_its_release(client, small):
    answer = client.get("/v1/portfolios/alpha/summary")
    assert answer.json()["release"] == small.lake.served_release() == int(answer.headers["finks-release"])


def test_a_range_has_both_of_its_ends(client):
    rows = client.get("/v1/portfolios/alpha/summary?start=2020-01-03&end=2020-01-05").json()["data"]
    assert [row["date"] for row in rows] == ["2020-01-03", "2020-01-04", "2020-01-05"]


def test_a_name_full_of_sql_is_a_name(client):
    assert len(client.get(f"/v1/portfolios/{AWKWARD}/summary").json()["data"]) == 10


def test_positions_are_those_of_the_date(client):
    rows = client.get("/v1/portfolios/alpha/positions?date=2020-01-04").json()["data"]
    assert [(row["date"], row["symbol"]) for row in rows] == [("2020-01-04", "AAPL"), ("2020-01-04", "BRK-B")]


@pytest.mark.parametrize("route", ["bars", "dividends", "splits"])
def test_records_of_a_security_are_its_own(client, route):
    rows = client.get(f"/v1/securities/AAPL/{route}").json()["data"]
    assert rows
    assert {row["symbol"] for row in rows} == {"AAPL"}


def test_an_unknown_portfolio_is_not_an_empty_one(client):
    assert client.get("/v1/portfolios/nobody/summary").json()["type"] == "urn:finks:problem:unknown-portfolio"


def test_a_known_portfolio_without_rows_is_an_empty_page(client):
    assert client.get("/v1/portfolios/alpha/summary?start=2030-01-01").json()["data"] == []


def test_pages_together_are_the_whole(client):
    path, rows = "/v1/securities/AAPL/bars?limit=3", []
    answer = client.get(path)
    while True:
        rows += answer.json()["data"]
        if answer.json()["next"] is None:
            break
        answer = client.get(answer.url.join(answer.links["next"]["url"]))
    assert [row["session"] for row in rows] == [day(number).isoformat() for number in range(10)]


def test_a_restated_price_is_read_as_it_was_known(client, small):
    later = KNOWN + timedelta(days=30)
    small.silver("fmp_daily_bars", DailyBar, [_bar("AAPL", day(0), 999)], later)
    small.publish(Decimal(2))
    first = "/v1/securities/AAPL/bars?limit=1"
    before = (later - timedelta(days=1)).isoformat().replace("+00:00", "Z")
    assert client.get(first).json()["data"][0]["close"] == "999"
    assert client.get(f"{first}&as_of={before}").json()["data"][0]["close"] == "100"


def test_silver_is_read_as_the_release_knew_it(client, small):
    small.silver("fmp_daily_bars", DailyBar, [_bar("AAPL", day(0), 999)], KNOWN + timedelta(days=30))
    assert client.get("/v1/securities/AAPL/bars?limit=1").json()["data"][0]["close"] == "100"


def test_gold_as_of_a_time_is_the_release_served_then(client, small):
    first = small.lake.releases()[0].published_at
    small.publish(Decimal(2))
    url = "/v1/portfolios/alpha/summary"
    assert client.get(url).json()["data"][0]["total_value"] == "2"
    assert client.get(url, params={"as_of": first.isoformat()}).json()["release"] == 1


def test_before_the_first_release_nothing_was_served(client):
    answer = client.get("/v1/portfolios/alpha/summary?as_of=2019-01-01T00:00:00Z")
    assert answer.json()["type"] == "urn:finks:problem:nothing-published"


def test_the_future_is_not_known(client):
    answer = client.get("/v1/securities?as_of=2999-01-01T00:00:00Z")
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:finks:problem:invalid-parameter")


def test_arrow_has_the_exact_types(client, small):
    body = client.get("/v1/portfolios/alpha/summary?format=arrow").content
    table = pa.ipc.open_stream(body).read_all()
    assert table.schema.field("total_value").type == pa.decimal128(38, 10)
    assert table["total_value"][0].as_py() == Decimal("1234.5600000001")


def test_a_dataset_says_how_far_it_reaches(client):
    found = client.get("/v1/datasets/bars").json()
    assert (found["records"], found["first"], found["last"]) == (20, "2020-01-01", "2020-01-10")
    assert (found["contract"], found["licence"]) == ("daily_bar", "fmp-terms")


def test_an_answer_that_has_not_changed_is_not_sent_again(client):
    url = "/v1/portfolios/alpha/summary"
    tag = client.get(url).headers["etag"]
    assert client.get(url, headers={"if-none-match": tag}).status_code == 304


def test_a_new_release_has_a_new_tag(client, small):
    url = "/v1/portfolios/alpha/summary"
    tag = client.get(url).headers["etag"]
    small.publish(Decimal(2))
    assert client.get(url, headers={"if-none-match": tag}).status_code == 200
