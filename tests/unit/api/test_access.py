"""Nobody comes in without a key, over a plan or with more than a request line; each request leaves one line of log."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import socket
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx
import pytest
from finks.loopback import LoopbackServer
from finks_api.access import LONGEST_TARGET, Access
from finks_api.access_log import LOGGER, configure_access_log
from finks_api.keys.edit import add_key, set_plan
from finks_api.keys.limiter import Limiter
from finks_api.keys.place import KeyFile
from finks_api.keys.store import DocumentKeys
from finks_api.problems import CATALOGUE, RETRY_AFTER, TYPE, Problem
from hypothesis import given
from hypothesis import strategies as st

OPEN = ("/v1/health", "/")


async def inner(scope, receive, send) -> None:
    """Says which grant it was given; fails before or in its answer, when asked."""
    state = scope["state"]
    grant = state.get("grant")
    if scope["path"] == "/fail":
        raise RuntimeError("internals")
    body = json.dumps({"key": grant.key_id if grant else None, "request": state["request_id"]}).encode()
    headers = [(b"content-type", b"application/json"), (b"finks-release", b"7")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body[:5], "more_body": True})
    if scope["path"] == "/break":
        raise RuntimeError("internals")
    await send({"type": "http.response.body", "body": body[5:] if scope["method"] == "GET" else b""})


class Api:
    """The middleware before a real application, its key and its log."""

    def __init__(self, folder, clock) -> None:
        place = KeyFile(folder / "api-keys.json")
        set_plan(place, "small", rate=1, burst=2, daily_quota=4)
        self.key, self.entry = add_key(place, name="Ann", now=clock(), plan="small")
        self.clock = clock
        self.keys = DocumentKeys(place, clock=clock)
        self.app = self.made(Limiter(clock))

    def made(self, limiter: Limiter | None, app=inner) -> Access:
        return Access(app, self.keys, open_paths=OPEN, limiter=limiter, clock=self.clock)

    def ask(self, target: str = "/v1/bars", *, method: str = "GET", app=None, **options) -> httpx.Response:
        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(app or self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
                return await client.request(method, target, **options)

        return asyncio.run(once())

    def get(self, target: str = "/v1/bars", **headers: str) -> httpx.Response:
        return self.ask(target, headers={"x-api-key": self.key, **headers})


async def receive():
    raise AssertionError("nobody reads a request's body")


def sent(app, **scope) -> list[dict]:
    """What the middleware sends for a request that no client would let through."""
    messages = []

    async def send(message) -> None:
        messages.append(message)

    whole = {"type": "http", "method": "GET", "path": "/v1/bars", "query_string": b"", "headers": [], **scope}
    asyncio.run(app(whole, receive, send))
    return messages


@pytest.fixture
def api(tmp_path, clock) -> Api:
    return Api(tmp_path, clock)


@pytest.fixture(scope="module")
def still(tmp_path_factory) -> Api:
    """One for all the examples of a rule; its time stands still."""
    return Api(tmp_path_factory.mktemp("api"), lambda: datetime(2026, 1, 2, tzinfo=UTC))


@contextmanager
def logged():
    """The access log as a stream."""
    logger, stream = logging.getLogger(LOGGER), io.StringIO()
    before = (logger.handlers, logger.propagate, logger.level)
    configure_access_log(stream)
    try:
        yield stream
    finally:
        logger.handlers, logger.propagate, level = before
        logger.setLevel(level)


@pytest.fixture
def log():
    with logged() as stream:
        yield stream


def lines(log: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def is_problem(answer: httpx.Response, slug: str) -> bool:
    assert answer.status_code == CATALOGUE[slug].status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.headers.get("retry-after") == (str(RETRY_AFTER[slug]) if slug in RETRY_AFTER else None)
    assert answer.content == Problem.fixed(slug).body()
    return answer.json()["type"] == TYPE + slug


def test_a_request_with_a_key_gets_its_grant(api):
    answer = api.get()
    assert (answer.status_code, answer.json()["key"]) == (200, api.entry.id)


def test_no_key_and_a_wrong_key_and_two_keys_are_refused_alike(api):
    wrong = [
        {},
        {"x-api-key": ""},
        {"x-api-key": "finks" + "0" * 64},
        {"x-api-key": f"{api.key},{api.key}"},
        {"x-api-key": f" {api.key}x"},
        {"x-api-key": "k" * 100_000},
        {"authorization": f"Bearer {api.key}"},
        [(b"x-api-key", "schlüssel".encode())],
        [(b"x-api-key", "schlüssel".encode("latin-1"))],
        [("x-api-key", api.key), ("x-api-key", api.key)],
    ]
    answers = [api.ask(headers=headers) for headers in wrong]
    assert all(is_problem(answer, "invalid-key") for answer in answers)
    assert len({answer.content for answer in answers}) == 1


@given(st.binary(max_size=200).filter(lambda value: not value.startswith(b"finks")))
def test_no_bytes_at_all_are_taken_for_a_key_or_break_anything(still, value):
    assert sent(still.app, headers=[(b"x-api-key", value)])[0]["status"] == 403


def test_a_key_in_the_query_counts_for_nothing(api):
    assert is_problem(api.ask(f"/v1/bars?x-api-key={api.key}&api_key={api.key}"), "invalid-key")


def test_an_open_path_needs_no_key_and_counts_for_no_plan(api):
    answers = [api.get("/v1/health") for _ in range(5)] + [api.ask("/v1/health")]
    assert [(answer.status_code, answer.json()["key"]) for answer in answers] == [(200, None)] * 6


@pytest.mark.parametrize(
    "path", ["/v1/health/", "/v1/health/../bars", "//", "", "/v1/healthz", "/V1/health", "/v1/health\0", "/v1/health "]
)
def test_what_only_resembles_an_open_path_needs_a_key(api, path):
    assert sent(api.app, path=path)[0]["status"] == 403


def test_over_the_rate_and_then_over_the_quota_says_which(api):
    assert [api.get().status_code for _ in range(2)] == [200, 200]
    assert is_problem(api.get(), "rate-exceeded")
    api.clock.pass_by(10)
    assert [api.get().status_code for _ in range(2)] == [200, 200]
    api.clock.pass_by(10)
    assert is_problem(api.get(), "quota-exceeded")
    api.clock.pass_by(86_400)
    assert api.get().status_code == 200


def test_where_somebody_in_front_keeps_the_plans_nothing_is_counted(api):
    app = api.made(None)
    answers = [api.ask(app=app, headers={"x-api-key": api.key}) for _ in range(20)]
    assert {answer.status_code for answer in answers} == {200}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
def test_nothing_but_reading_is_allowed(api, method):
    answer = api.ask(method=method, headers={"x-api-key": api.key})
    assert is_problem(answer, "method-not-allowed")
    assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("target", ["/v1/bars", "/v1/health"])
def test_a_request_with_a_body_is_refused_and_its_connection_closed(api, target):
    answer = api.ask(target, content=b"{}", headers={"x-api-key": api.key})
    assert is_problem(answer, "body-not-allowed")
    assert answer.headers["connection"] == "close"


def test_a_request_that_says_that_it_has_no_body_is_answered(api):
    assert api.get(**{"content-length": "0"}).status_code == 200


def test_an_address_may_be_so_long_and_no_longer(api):
    room = LONGEST_TARGET - len("/v1/bars") - len("a=")
    assert api.get("/v1/bars?a=" + "b" * room).status_code == 200
    assert is_problem(api.get("/v1/bars?a=" + "b" * (room + 1)), "too-long")
    assert is_problem(api.get("/" + "b" * 60_000), "too-long")
    assert is_problem(api.get("/" + "%C3%A9" * 700), "too-long")


def test_head_is_answered_without_a_body(api):
    refused = api.ask(method="HEAD")
    assert (refused.status_code, refused.content) == (403, b"")
    assert int(refused.headers["content-length"]) > 0


def test_every_answer_forbids_guessing_its_type_and_names_its_request(api):
    for answer in (api.get(), api.ask(), api.get("/fail"), api.ask("/v1/health")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert len(answer.headers["x-correlation-id"]) == 32


def test_a_good_correlation_id_is_kept_and_reaches_the_application(api):
    answer = api.get(**{"x-correlation-id": "Root=1-67891233:abc.d"[5:]})
    assert answer.headers["x-correlation-id"] == "1-67891233:abc.d"
    assert answer.json()["request"] == "1-67891233:abc.d"


def test_any_other_correlation_id_is_replaced(api):
    bad = ["", "a" * 101, "a b", "a\r\nset-cookie: x", "a\n", "é", "<b>", "-a", "a;b"]
    answers = [api.ask("/v1/health", headers=[(b"x-correlation-id", value.encode())]) for value in bad]
    answers.append(api.ask("/v1/health", headers=[("x-correlation-id", "a"), ("x-correlation-id", "b")]))
    answers.append(api.ask("/v1/health", headers={"x-correlation-id": api.key}))
    ids = {answer.headers["x-correlation-id"] for answer in answers}
    assert len(ids) == len(answers)
    assert {len(each) for each in ids} == {32}
    assert not any("set-cookie" in answer.headers for answer in answers)


def test_a_kept_answer_is_not_changed_by_being_sent(api):
    start = {"type": "http.response.start", "status": 200, "headers": [(b"etag", b'"1"')]}

    async def kept(scope, receive, send) -> None:
        await send(start)
        await send({"type": "http.response.body", "body": b"x"})

    answers = [api.ask("/", app=api.made(None, kept)) for _ in range(2)]
    assert start["headers"] == [(b"etag", b'"1"')]
    assert [len(answer.headers.get_list("x-correlation-id")) for answer in answers] == [1, 1]


def test_the_scope_of_the_server_is_left_alone(api):
    state: dict = {}
    sent(api.app, state=state, headers=[(b"x-api-key", api.key.encode())])
    assert state == {}


def test_a_failure_is_a_problem_without_internals_and_is_logged_with_the_request(api, caplog):
    answer = api.get("/fail")
    assert is_problem(answer, "internal")
    assert "internals" not in answer.text
    [record] = [record for record in caplog.records if record.name == "finks.api"]
    assert answer.headers["x-correlation-id"] in record.getMessage()
    assert record.exc_info is not None


def test_a_failure_in_the_middle_is_not_taken_for_the_end(api):
    with pytest.raises(RuntimeError):
        api.get("/break")


def test_a_websocket_is_closed(api):
    assert sent(api.app, type="websocket") == [{"type": "websocket.close"}]


def test_a_line_says_who_asked_what_and_what_came(api, log):
    answer = api.get("/v1/bars?page=secret-token")
    [line] = lines(log)
    assert line.pop("ms") >= 0
    assert line == {
        "time": "2026-01-02T03:04:05.000+00:00", "key": api.entry.id, "method": "GET", "path": "/v1/bars",
        "status": 200, "bytes": len(answer.content), "request": answer.headers["x-correlation-id"], "release": "7",
    }  # fmt: skip


def test_every_request_leaves_one_line(api, log):
    for target, headers in (("/v1/bars", {}), ("/v1/health", {}), ("/fail", {"x-api-key": api.key})):
        api.ask(target, headers=headers)
    with pytest.raises(RuntimeError):
        api.get("/break")
    said = [(line["path"], line["key"], line["status"]) for line in lines(log)]
    key = api.entry.id
    assert said == [("/v1/bars", None, 403), ("/v1/health", None, 200), ("/fail", key, 500), ("/break", key, 200)]


def test_no_key_and_no_page_token_reaches_a_log_or_an_answer(api, log, caplog):
    key, canary = api.key, api.key[5:30]
    answers = [
        api.get(f"/v1/{key}?page=canary-token&key={key}"),
        api.get(f"/fail?{key}"),
        api.get(f"/v1/bars/{'x' * 1000}{key}"),
        api.ask(f"/{key}", headers=[("x-api-key", key), ("x-api-key", key), ("x-correlation-id", key)]),
        api.ask(f"/v1/health/{key}", method="POST", content=key, headers={"x-api-key": key}),
    ]
    written = log.getvalue() + caplog.text + "".join(f"{a.headers}{a.text}" for a in answers)
    assert canary not in written
    assert "canary-token" not in written
    assert len(lines(log)) == len(answers)


@given(st.text(max_size=60), st.text(min_size=1, max_size=30))
def test_no_path_or_method_makes_a_second_line_or_leaves_ascii(still, path, method):
    with logged() as stream:
        sent(still.app, method=method, path=f"/{path}")
    text = stream.getvalue()
    assert text.isascii()
    assert len(text.splitlines()) == 1
    assert json.loads(text)["path"] == f"/{path}"


@pytest.fixture
def server(api):
    running = LoopbackServer(api.app, "access")
    running.start()
    yield running
    running.stop()


def raw(port: int, sent: bytes) -> bytes:
    """What a server answers to these bytes, while the client keeps its side open."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(sent)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
        return b"".join(parts)


@pytest.mark.parametrize("framing", ["Content-Length: 1000000000", "Transfer-Encoding: chunked", "Content-Length: 5"])
def test_a_body_that_never_comes_is_refused_at_once(api, server, framing):
    head = f"GET /v1/bars HTTP/1.1\r\nHost: a\r\nX-API-Key: {api.key}\r\n{framing}\r\n\r\n"
    answer = raw(server.port, head.encode() + (b"4\r\n" if "chunked" in framing else b"abc"))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.endswith(b"}")


@pytest.mark.parametrize("extra", ["X-API-Key: {0}\r\n X-API-Key: b", "x-api-key : {0}", "X-Api-Key: {0}\x00"])
def test_a_crooked_header_never_is_a_key(api, server, extra):
    head = f"GET /v1/bars HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{extra.format(api.key)}\r\n\r\n"
    status = raw(server.port, head.encode()).split(b" ")[1]
    assert status in (b"400", b"403")


def test_a_client_in_http_gets_what_it_asked_for(api, server):
    with httpx.Client(base_url=server.url, headers={"X-API-Key": api.key}) as client:
        assert client.get("/v1/bars").json()["key"] == api.entry.id
        head = client.head("/v1/bars")
        assert (head.status_code, head.content) == (200, b"")
        assert client.get("/v1/bars").status_code == 429
        assert client.head("/v1/bars").headers["retry-after"] == "1"
