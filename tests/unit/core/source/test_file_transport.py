"""`file:` addresses go through the same driver as the network."""

from __future__ import annotations

from pathlib import Path

import pytest
from finks.source import Limits, Outcome, Request


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("a.csv", "text/csv"),
        ("a.JSON", "application/json"),
        ("a.jsonl", "application/x-ndjson"),
        ("a.ndjson", "application/x-ndjson"),
        ("a.parquet", "application/vnd.apache.parquet"),
        ("a b%é.txt", "application/octet-stream"),
    ],
)
def test_a_file_is_read_byte_for_byte_with_its_type(make_api, fetch, tmp_path: Path, name, content_type):
    file = tmp_path / name
    file.write_bytes(b"\x00a,b\r\n")
    [page] = fetch(make_api(steps=lambda *_: iter_requests(file)))
    assert (page.response.body, page.response.content_type) == (b"\x00a,b\r\n", content_type)
    assert (page.response.status, page.verdict.outcome) == (200, Outcome.OK)


@pytest.mark.parametrize("name", ["missing.csv", "."])
def test_what_cannot_be_read_is_unreachable_and_not_tried_again(make_api, fetch, tmp_path: Path, name):
    [page] = fetch(make_api(steps=lambda *_: iter_requests(tmp_path / name)))
    assert (page.response.fault, page.response.attempts) == ("unreachable", 1)
    assert str(tmp_path) in page.verdict.reason


def test_a_file_over_the_cap_is_refused(make_api, fetch, tmp_path: Path):
    (tmp_path / "a.csv").write_bytes(b"x" * 11)
    [page] = fetch(make_api(limits=Limits(wire_bytes=10), steps=lambda *_: iter_requests(tmp_path / "a.csv")))
    assert (page.response.fault, page.response.body) == ("too_large", b"")


def iter_requests(file: Path):
    yield Request(file.resolve().as_uri())
