"""The fault server itself: what it records, and that it leaves nothing open."""

from __future__ import annotations

import gc
import socket
import sys
from urllib.parse import urlsplit

import httpx
from finks.testing import FaultServer, replies


def test_replies_come_in_turn_and_the_last_for_ever(server):
    url = server.route("/x", replies.json_text("", 503), replies.json_value([1]))
    assert [httpx.get(url).status_code for _ in range(3)] == [503, 200, 200]
    assert httpx.get(f"{server.url}/unknown").status_code == 404


def test_requests_are_recorded_as_they_came(server):
    url = server.handle("/a b", lambda request: replies.json_value(request.params))
    with httpx.Client() as client:
        answers = [client.get(url, params={"q": "1&2"}, headers={"X-Note": "n"}).json() for _ in range(2)]
    assert answers == [{"q": "1&2"}] * 2
    received = server.requests[0]
    assert (received.method, received.path, received.headers["x-note"]) == ("GET", "/a b", "n")
    assert [request.connection for request in server.requests] == [1, 1]


def test_a_connection_of_the_last_moment_is_closed():
    unclosed: list[object] = []
    hook, sys.unraisablehook = sys.unraisablehook, unclosed.append
    try:
        for _ in range(5):
            with FaultServer() as server:
                address = (urlsplit(server.url).hostname, urlsplit(server.url).port)
                clients = [socket.create_connection(address) for _ in range(20)]
            for client in clients:
                client.close()
        gc.collect()
    finally:
        sys.unraisablehook = hook
    assert unclosed == []
