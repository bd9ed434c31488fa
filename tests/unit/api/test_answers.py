"""Finished answers: who gets one without a run of the app, in which form, and what stays in memory."""

from __future__ import annotations

import gzip
import random
import tracemalloc
from collections import OrderedDict
from dataclasses import dataclass, field
from types import SimpleNamespace

import anyio
import pytest
from fastapi import FastAPI, Request, Response
from finks_api.answers import Answers, keep_answer
from finks_api.problems import Problem
from finks_api.representation import COMPRESSED_FROM, matched
from finks_api.shelf import ENTRY_BYTES, Shelf
from hypothesis import given, settings
from hypothesis import strategies as st

ALICE = SimpleNamespace(key_id="alice", datasets=None, portfolios=frozenset({"main"}))
BOB = SimpleNamespace(key_id="bob", datasets=None, portfolios=frozenset({"main"}))
ALICE_WITH_LESS = SimpleNamespace(key_id="alice", datasets=frozenset({"bars"}), portfolios=frozenset({"main"}))
GZIP = {"accept-encoding": "gzip"}


@dataclass
class Got:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    parts: list[bytes] = field(default_factory=list)

    @property
    def body(self) -> bytes:
        return b"".join(self.parts)


async def ask(app, target: str = "/v1/bars?limit=2", headers=None, *, method="GET", grant=ALICE, got=None) -> Got:
    path, _, query = target.partition("?")
    got = got or Got()

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        if message["type"] == "http.response.start":
            got.status = message["status"]
            got.headers = {n.decode(): v.decode() for n, v in message["headers"]}
            message["headers"].append((b"x-correlation-id", b"of one request"))
        else:
            got.parts.append(message["body"])

    await app(
        {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(n.encode(), v.encode()) for n, v in (headers or {}).items()],
            "state": {"grant": grant} if grant else {},
        },
        receive,
        send,
    )
    return got


class Data:
    """An app: what it says depends on the release and the request, in as many bytes as it is told."""

    def __init__(self, *, size: int = 2000, keep: bool = True, status: int = 200) -> None:
        self.release = 1
        self.runs = 0
        self.size, self.keep, self.status = size, keep, status
        self.hold: anyio.Event | None = None
        self.fails = 0

    async def served(self) -> int:
        if self.release == 0:
            raise Problem("unavailable", "No release can be seen.")
        return self.release

    def text(self, path: str, query: str, accept: str) -> bytes:
        return f"{self.release} {path} {query} {accept} ".encode().ljust(self.size, b".")

    async def __call__(self, scope, receive, send):
        self.runs += 1
        run, failing = self.runs, self.runs <= self.fails
        if self.hold is not None:
            await self.hold.wait()
        if failing:
            raise RuntimeError(f"run {run}")
        headers = dict(scope["headers"])
        body = self.text(scope["path"], scope["query_string"].decode(), headers.get(b"accept", b"").decode())
        if self.keep:
            keep_answer(scope)
        start = [
            (b"content-type", b"text/csv; charset=utf-8"),
            (b"etag", b'"%d-x"' % self.release),
            (b"finks-release", b"%d" % self.release),
            (b"vary", b"Accept, X-API-Key"),
        ]
        await send({"type": "http.response.start", "status": self.status, "headers": start})
        await send({"type": "http.response.body", "body": body[:5], "more_body": True})
        await send({"type": "http.response.body", "body": body[5:] if scope["method"] == "GET" else b""})


async def one() -> int:
    return 1


def made(limit_bytes: int = 2**20, **kind) -> tuple[Answers, Data]:
    data = Data(**kind)
    return Answers(data, data.served, limit_bytes=limit_bytes), data


def run(*requests, app) -> list[Got]:
    async def all_of_them():
        return [await ask(app, **request) for request in requests]

    return anyio.run(all_of_them)


def test_an_answer_is_made_once_and_sent_again_as_it_was():
    app, data = made()
    first, second, third = run({}, {}, {}, app=app)
    assert data.runs == 1
    assert first == second == third
    assert (first.status, first.body) == (200, data.text("/v1/bars", "limit=2", ""))


@pytest.mark.parametrize(
    "other",
    [
        {"grant": BOB},
        {"grant": ALICE_WITH_LESS},
        {"grant": None},
        {"target": "/v1/bars?limit=3"},
        {"target": "/v1/bars"},
        {"target": "/v1/splits?limit=2"},
        {"headers": {"accept": "text/csv"}},
        {"headers": {"accept": "text/html"}},
    ],
    ids=str,
)
def test_another_request_is_another_answer(other):
    app, data = made()
    run({}, other, app=app)
    assert data.runs == 2


@pytest.mark.parametrize(
    ("query", "runs"), [("a=1&format=csv", 1), ("format=csv", 1), ("a=format=csv", 2), ("format=", 2)]
)
def test_accept_does_not_matter_where_the_query_names_the_format(query, runs):
    app, data = made()
    run(*({"target": f"/v1/bars?{query}", "headers": {"accept": a}} for a in ("text/csv", "*/*")), app=app)
    assert data.runs == runs


def test_accept_counts_by_the_format_that_it_gives():
    app, data = made()
    run(*({"headers": {"accept": a}} for a in ("application/json", "*/*", "text/html, */*;q=0.1")), app=app)
    assert data.runs == 1


def test_another_release_is_another_answer_and_the_old_ones_go():
    app, data = made()
    run({}, {"target": "/v1/splits"}, app=app)
    data.release = 2
    held = app.kept_bytes
    [got] = run({}, app=app)
    assert got.headers["finks-release"] == "2"
    assert app.kept_bytes < held


def test_an_answer_during_which_the_release_changed_is_not_kept():
    app, data = made()

    async def publish_meanwhile():
        data.hold = anyio.Event()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask, app)
            await anyio.wait_all_tasks_blocked()
            data.release = 2
            data.hold.set()

    anyio.run(publish_meanwhile)
    data.release = 1
    assert run({}, app=app)[0].headers["finks-release"] == "1"
    assert data.runs == 2


def test_while_no_release_can_be_seen_the_app_answers_and_nothing_is_kept():
    app, data = made()
    data.release = 0
    first, second = run({}, {}, app=app)
    assert (first.status, first, data.runs, app.kept_bytes) == (200, second, 2, 0)


@pytest.mark.parametrize("kind", [{"status": 202}, {"status": 404}, {"keep": False}], ids=str)
def test_what_is_no_answer_to_keep_is_asked_again(kind):
    app, data = made(**kind)
    first, second = run({}, {}, app=app)
    assert data.runs == 2
    assert first == second
    assert app.kept_bytes == 0


@pytest.mark.parametrize("keep", [False, True])
def test_head_is_get_without_the_body(keep):
    app, data = made(keep=keep)
    head, get, again = run({"method": "HEAD"}, {}, {"method": "HEAD"}, app=app)
    assert (head.status, head.headers, head.body, again) == (200, get.headers, b"", head)
    assert data.runs == (1 if keep else 3)


def test_head_and_get_share_an_answer():
    app, data = made()
    _, get = run({"method": "HEAD"}, {}, app=app)
    assert (data.runs, get.body) == (1, data.text("/v1/bars", "limit=2", ""))


@pytest.mark.parametrize("keep", [False, True], ids=["passed on", "kept"])
@pytest.mark.parametrize("condition", ['"1-x"', 'W/"1-x"', '"0", W/"1-x" , "2"', "*", '"1-x-gzip"'])
def test_who_has_the_answer_gets_304(condition, keep):
    app, _ = made(keep=keep)
    for got in run(*[{"headers": {"if-none-match": condition}}] * 2, app=app):
        assert (got.status, got.body) == (304, b"")
        assert got.headers["etag"] == ('"1-x-gzip"' if "gzip" in condition else '"1-x"')
        assert got.headers["finks-release"] == "1"
        assert "Accept" in got.headers["vary"]
        assert not {"content-type", "content-length", "content-encoding"} & set(got.headers)


@pytest.mark.parametrize("keep", [False, True], ids=["passed on", "kept"])
@pytest.mark.parametrize("condition", ["", '"2-x"', "1-x", '"1-x', '"*"'])
def test_who_has_another_answer_gets_this_one(condition, keep):
    app, _ = made(keep=keep)
    for got in run(*[{"headers": {"if-none-match": condition}}] * 2, app=app):
        assert (got.status, len(got.body)) == (200, 2000)


def test_a_304_of_the_app_names_the_tag_that_the_caller_has():
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 304, "headers": [(b"etag", b'"a"')]})
        await send({"type": "http.response.body", "body": b""})

    [got] = run({"headers": {"if-none-match": '"a-gzip"'}}, app=Answers(app, one))
    assert (got.status, got.headers) == (304, {"etag": '"a-gzip"'})


def test_a_problem_is_never_304():
    app, _ = made(status=404, keep=False)
    assert run({"headers": {"if-none-match": "*"}}, app=app)[0].status == 404


@given(st.lists(st.text("abc-", max_size=3), max_size=4), st.text("abc", min_size=1, max_size=3))
def test_a_condition_holds_exactly_when_the_tag_is_in_its_list(listed, tag):
    header = ", ".join(f'"{each}"' for each in listed).encode()
    assert (matched(header, f'"{tag}"'.encode()) is not None) == bool({tag, f"{tag}-gzip"} & set(listed))


def test_the_compressed_answer_is_the_same_under_another_tag():
    app, data = made()
    squeezed, plain = run({"headers": GZIP}, {}, app=app)
    assert gzip.decompress(squeezed.body) == plain.body
    assert squeezed.headers == {
        **plain.headers,
        "etag": '"1-x-gzip"',
        "content-encoding": "gzip",
        "content-length": str(len(squeezed.body)),
    }
    assert plain.headers["vary"] == "Accept, X-API-Key, Accept-Encoding"
    assert data.runs == 1


def test_the_compressed_answer_counts_too():
    app, _ = made(size=9000)
    run({}, app=app)
    held = app.kept_bytes
    [got] = run({"headers": GZIP}, app=app)
    assert app.kept_bytes > held + len(got.body)


def test_the_compressed_answer_is_made_once_for_all():
    app, data = made(size=300_000)
    bodies = []

    async def squeezed():
        bodies.append((await ask(app, headers=GZIP)).parts[0])

    async def many():
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(squeezed)

    anyio.run(many)
    assert len(bodies) == 20
    assert all(body is bodies[0] for body in bodies)
    assert data.runs == 1


@pytest.mark.parametrize("headers", [{}, {"accept-encoding": "br"}, {"accept-encoding": "gzip;q=0"}], ids=str)
def test_nothing_is_compressed_for_who_does_not_ask(headers):
    app, _ = made()
    run({"headers": GZIP}, app=app)
    assert "content-encoding" not in run({"headers": headers}, app=app)[0].headers


def test_a_short_answer_is_not_compressed():
    app, _ = made(size=COMPRESSED_FROM - 1)
    assert "content-encoding" not in run({"headers": GZIP}, app=app)[0].headers


def test_an_answer_that_gzip_makes_longer_stays_as_it_is():
    noise = random.Random(1).randbytes(5000)

    async def app(scope, receive, send):
        keep_answer(scope)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"etag", b'"a"')]})
        await send({"type": "http.response.body", "body": noise})

    for got in run(*[{"headers": GZIP}] * 2, app=Answers(app, one)):
        assert (got.body, got.headers["etag"]) == (noise, '"a"')


def together(app, data: Data, count: int, *, cancelled: int | None = None) -> list[Got | str]:
    """Ask the same so many times at once; what came, or how it failed, in the order of asking."""
    results: list[Got | str] = ["cancelled"] * count
    scopes: list[anyio.CancelScope] = []

    async def one(index: int):
        with scopes[index]:
            try:
                results[index] = await ask(app)
            except RuntimeError as error:
                results[index] = str(error)

    async def all_at_once():
        data.hold = anyio.Event()
        scopes.extend(anyio.CancelScope() for _ in range(count))
        async with anyio.create_task_group() as tasks:
            for index in range(count):
                tasks.start_soon(one, index)
            await anyio.wait_all_tasks_blocked()
            if cancelled is not None:
                scopes[cancelled].cancel()
                await anyio.wait_all_tasks_blocked()
            data.hold.set()

    anyio.run(all_at_once)
    return results


def test_equal_requests_at_once_are_one_run():
    app, data = made()
    results = together(app, data, 20)
    assert {got.body for got in results} == {data.text("/v1/bars", "limit=2", "")}
    assert data.runs == 1


def test_when_the_run_fails_each_who_waits_has_its_own_try():
    app, data = made()
    data.fails = 1
    first, *rest = together(app, data, 5)
    assert first == "run 1"
    assert {got.status for got in rest} == {200}


@pytest.mark.parametrize("cancelled", [0, 3], ids=["who runs", "who waits"])
def test_a_request_that_is_broken_off_takes_no_other_along(cancelled):
    app, data = made()
    results = together(app, data, 5, cancelled=cancelled)
    assert results[cancelled] == "cancelled"
    assert [got.status for got in results if got != "cancelled"] == [200] * 4
    assert run({}, app=app)[0].status == 200


def test_who_waits_for_what_is_not_kept_waits_once():
    app, data = made(keep=False)
    assert {got.status for got in together(app, data, 5)} == {200}
    assert data.runs == 5


def test_what_is_not_kept_arrives_part_by_part_and_holds_nobody_up():
    async def watched():
        end = anyio.Event()

        async def endless(scope, receive, send):
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"first", "more_body": True})
            await end.wait()
            await send({"type": "http.response.body", "body": b"last"})

        app, first, second = Answers(endless, one), Got(), Got()
        async with anyio.create_task_group() as tasks:
            for got in (first, second):
                tasks.start_soon(lambda got=got: ask(app, got=got))
            await anyio.wait_all_tasks_blocked()
            seen = first.body, second.body
            end.set()
        return seen, first.body, second.body

    assert anyio.run(watched) == ((b"first", b"first"), b"firstlast", b"firstlast")


def test_a_route_of_fastapi_says_that_its_answer_may_be_kept():
    routes, runs = FastAPI(), []

    @routes.get("/v1/bars")
    def bars(request: Request) -> Response:
        runs.append(request)
        keep_answer(request.scope)
        return Response("rows", headers={"etag": '"a"'})

    first, second = run({}, {}, app=Answers(routes, one))
    assert (first.body, first, len(runs)) == (b"rows", second, 1)


def test_other_methods_go_to_the_app():
    app, _ = made(status=405, keep=False)
    assert [got.status for got in run({"method": "POST"}, {"method": "DELETE"}, app=app)] == [405, 405]


REQUESTS = st.fixed_dictionaries(
    {
        "target": st.sampled_from(["/v1/bars?limit=1", "/v1/bars?limit=2", "/v1/splits"]),
        "headers": st.sampled_from([{}, GZIP, {"accept": "text/csv"}]),
        "method": st.sampled_from(["GET", "HEAD"]),
        "grant": st.sampled_from([ALICE, BOB]),
    }
)


@given(st.lists(st.none() | REQUESTS, max_size=30), st.sampled_from([0, 10_000, 2**20]))
@settings(max_examples=50)
def test_every_answer_is_what_the_app_says_at_this_release(steps, limit):
    app, data = made(limit)

    async def walk():
        for request in steps:
            if request is None:
                data.release += 1
                continue
            got = await ask(app, **request)
            path, _, query = request["target"].partition("?")
            said = data.text(path, query, request["headers"].get("accept", ""))
            body = gzip.decompress(got.body) if got.body and "content-encoding" in got.headers else got.body
            assert body == (said if request["method"] == "GET" else b"")
            assert got.headers["finks-release"] == str(data.release)
            assert app.kept_bytes <= limit

    anyio.run(walk)


@given(st.lists(st.tuples(st.sampled_from("pg"), st.integers(0, 5), st.integers(0, 9000)), max_size=40))
def test_the_shelf_keeps_what_was_used_last_within_its_bytes(steps):
    limit = 5 * ENTRY_BYTES
    shelf: Shelf[int] = Shelf(limit)
    model: OrderedDict[int, int] = OrderedDict()
    for verb, key, weight in steps:
        if verb == "p":
            shelf.put(key, weight, weight)
            model.pop(key, None)
            while model and sum(model.values()) + weight + ENTRY_BYTES > limit:
                model.popitem(last=False)
            model[key] = weight + ENTRY_BYTES
        elif key in model:
            model.move_to_end(key)
        assert shelf.get(key) == (model[key] - ENTRY_BYTES if key in model else None)
        assert (shelf.weight, len(shelf)) == (sum(model.values()), len(model))
        assert shelf.weight <= limit


def test_what_is_heavier_than_the_shelf_is_not_kept():
    app, data = made(limit_bytes=3000)
    run({}, {}, app=app)
    assert (data.runs, app.kept_bytes) == (2, 0)


def test_memory_stays_within_the_limit_whatever_is_asked():
    limit = 2**21
    app, _ = made(limit, size=1500)
    queries = random.Random(2)

    async def flood(count: int):
        for _ in range(count):
            headers = GZIP if queries.random() < 0.5 else {"accept": f"text/csv;q=0.{queries.randrange(1000)}"}
            await ask(app, f"/v1/bars?symbol={queries.randbytes(queries.choice([4, 400, 10_000])).hex()}", headers)

    anyio.run(flood, 50)
    tracemalloc.start()
    anyio.run(flood, 3000)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert app.kept_bytes > 0.9 * limit
    assert held < 1.1 * limit
