"""Sending events to an OpenLineage endpoint: a real server on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from finks.lineage.send import KEY, send

EVENTS = [{"eventType": "START", "n": number} for number in range(3)]


class Endpoint(ThreadingHTTPServer):
    """Takes events; from `fails_from` on it answers 503."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.taken: list[tuple[str, str | None, dict]] = []
        self.fails_from = 99

    @property
    def url(self) -> str:
        return f"http://user:secret-word@127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Endpoint

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        fails = len(self.server.taken) >= self.server.fails_from
        if not fails:
            self.server.taken.append((self.path, self.headers.get("authorization"), json.loads(body)))
        self.send_response(503 if fails else 201)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_every_event_arrives_once_and_in_order(endpoint):
    assert send(endpoint.url, EVENTS) == ""
    assert [(path, event) for path, _, event in endpoint.taken] == [("/api/v1/lineage", event) for event in EVENTS]


def test_a_key_is_sent_as_a_bearer_token(endpoint, monkeypatch):
    monkeypatch.setenv(KEY, "the-key-of-the-endpoint")
    send(endpoint.url.replace("user:secret-word@", ""), EVENTS[:1])
    assert endpoint.taken[0][1] == "Bearer the-key-of-the-endpoint"


def test_a_refusal_ends_it_and_is_told_without_the_address(endpoint):
    endpoint.fails_from = 1
    told = send(endpoint.url, EVENTS)
    assert "503" in told
    assert "secret-word" not in told
    assert len(endpoint.taken) == 1


def test_an_endpoint_that_is_not_there_is_told():
    assert "ConnectionError" in send("http://127.0.0.1:9", EVENTS)
