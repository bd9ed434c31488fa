"""Releases come and go while clients page through: no walk sees two of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from threading import Event

import httpx
import pytest

RELEASES = 100
DAYS = 6
KEPT = 3
EXPIRED = "urn:finks:problem:expired-version"
FIRST = "/v1/portfolios/alpha/summary?limit=2"


@dataclass
class Seen:
    """What the walks of one client were answered."""

    whole: list[set[tuple[int, str]]] = field(default_factory=list)
    """Of each walk that came to its end, the releases and values of its rows."""
    refused: list[tuple[int, str]] = field(default_factory=list)
    """Status and type of whatever was no page."""


def pages(client: httpx.Client, answer: httpx.Response) -> Iterator[httpx.Response]:
    """The answers of one walk, the first that is no page the last."""
    while True:
        yield answer
        if answer.status_code != 200 or "next" not in answer.links:
            return
        answer = client.get(answer.url.join(answer.links["next"]["url"]))


def walk_until(published: Event, client: httpx.Client) -> Seen:
    seen = Seen()
    while not published.is_set():
        walk = list(pages(client, client.get(FIRST)))
        read = {(page.json()["release"], row["total_value"]) for page in walk[:-1] for row in page.json()["data"]}
        if walk[-1].status_code == 200:
            last = walk[-1].json()
            seen.whole.append(read | {(last["release"], row["total_value"]) for row in last["data"]})
        else:
            seen.refused.append((walk[-1].status_code, walk[-1].json()["type"]))
            assert len(read) <= 1
        time.sleep(0.02)  # leaves the processor to the publications
    return seen


def value_of(release: int) -> str:
    return "1234.5600000001" if release == 1 else str(release)


def publish_all(lake, published: Event) -> None:
    try:
        for number in range(2, RELEASES + 1):
            lake.publish_summaries(Decimal(number), DAYS)
            if not number % 10:
                lake.lake.expire(keep_releases=KEPT, grace=timedelta(0))
    finally:
        published.set()


@pytest.mark.slow
def test_no_walk_sees_two_releases(serve, small):
    """Release `n` says `n` in every row, the first excepted. Those that are no longer kept say so."""
    client, published = serve(refresh=0.1), Event()
    with ThreadPoolExecutor(4) as pool:
        clients = [pool.submit(walk_until, published, client) for _ in range(3)]
        pool.submit(publish_all, small, published).result()
        seen = [each.result() for each in clients]
    for each in seen:
        assert each.whole
        assert all(len(read) == 1 for read in each.whole)
        assert all(value == value_of(release) for read in each.whole for release, value in read)
        assert set(each.refused) <= {(410, EXPIRED)}
    assert len({min(read) for each in seen for read in each.whole}) > RELEASES / 4


def test_a_token_of_a_release_that_is_kept_no_longer_says_so(serve, small):
    client = serve()
    first = client.get(FIRST)
    for number in range(2, 6):
        small.publish(Decimal(number))
    second = client.get(first.url.join(first.links["next"]["url"]))
    assert second.json()["release"] == 1
    small.lake.expire(keep_releases=KEPT, grace=timedelta(0))
    third = client.get(second.url.join(second.links["next"]["url"]))
    assert (third.status_code, third.json()["type"]) == (410, EXPIRED)
    assert client.get(FIRST).json()["release"] == 5
