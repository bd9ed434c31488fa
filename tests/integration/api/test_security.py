"""The API attacked from outside, through the server that `finks serve` runs: nothing is read, shown or kept busy that
should not be."""

from __future__ import annotations

import contextlib
import logging
import re
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from string import ascii_letters, digits
from threading import Event, Thread
from urllib.parse import quote

import httpx
import pytest
from finks.lake import Lake
from finks.loopback import HOST
from finks_api.app import create_app
from finks_api.backends.duckdb import DuckDbBackend
from finks_api.keys.edit import add_key, set_plan
from finks_api.keys.limiter import Limiter
from finks_api.keys.place import key_place
from finks_api.keys.store import DocumentKeys
from finks_api.openapi.describe import api_document
from finks_api.server import HEADER_BYTES, make_server
from finks_api.settings import ApiSettings
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.integration.api.conftest import SECRET, now
from tests.integration.api.small_lake import PORTFOLIOS, SmallLake

OTHER = next(name for name in PORTFOLIOS if name != "alpha")
SUMMARY = "/v1/portfolios/alpha/summary"
OPERATIONS = {path: item["get"] for path, item in api_document()["paths"].items()}

ATTACKS = (
    "' or '1'='1", "alpha' or 1=1 --", 'alpha" or "1"="1', "'; drop table gold.daily_portfolio_summary; --", "alpha'/*",
    "alpha' union select * from gold.dim_security --", "?", "$1", ":1", "%s", "{0}", "\\'; select 1 --", "x'41'",
    "null", "read_parquet('/etc/passwd')", "'||(select version())||'", "alpha\\", "''", "\uff07 or 1=1", "true",
    "1 limit 1", "2020-01-01' or '1'='1", "1); attach 'x.db' as x; --", "../../etc/passwd", "<script>", "${jndi:ldap://x}",
)  # fmt: skip

INTERNALS = re.compile(
    r'Traceback|File "|\.py\b|site-packages|duckdb|parquet|iceberg|sqlite|warehouse|catalog\.db|\bselect\b|'
    "finks_api|Error",
    re.IGNORECASE,
)


@dataclass
class Service:
    """A served lake, a key that may read all and one for the portfolio `alpha` alone."""

    client: httpx.Client
    port: int
    folder: Path
    small: SmallLake
    key: str
    narrow: str

    def get(self, target: str, *, key: str | None = None, **options) -> httpx.Response:
        answer = self.client.get(
            target, headers={"x-api-key": key or self.key, **options.pop("headers", {})}, **options
        )
        self.harmless(answer)
        return answer

    def harmless(self, answer: httpx.Response) -> None:
        """No answer says where the lake is or which key came, a refusal nothing of what is inside."""
        told = answer.text + repr(answer.headers)
        assert str(self.folder) not in told
        assert self.key not in told
        assert self.narrow not in told
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert not INTERNALS.search(told), told

    def raw(self, data: bytes) -> bytes:
        """What the server sends until it closes the connection."""
        with socket.create_connection((HOST, self.port), timeout=30) as connection:
            with contextlib.suppress(ConnectionError):  # it may answer and close before all was sent
                connection.sendall(data)
            return received(connection)

    def ask(self, target: str, *lines: str) -> bytes:
        """The answer to a request line and headers as they are, with the key."""
        head = [f"GET {target} HTTP/1.1", "host: api", f"x-api-key: {self.key}", "connection: close", *lines]
        return self.raw(("\r\n".join(head) + "\r\n\r\n").encode())


def received(connection: socket.socket) -> bytes:
    parts: list[bytes] = []
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@contextmanager
def running(app, **options) -> Iterator[int]:
    """The app behind the server of `finks serve`; gives its port."""
    with socket.socket(proto=socket.IPPROTO_TCP) as listening:
        listening.bind((HOST, 0))
        listening.listen(128)
        server = make_server(app, HOST, 0, **options)
        thread = Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def service_in(folder: Path, backend: Callable[[Lake], DuckDbBackend] = DuckDbBackend, **options) -> Iterator[Service]:
    small = SmallLake(Lake.open(folder / "lake", create=True))
    small.fill()
    small.publish(Decimal(1))
    place = key_place(folder / "keys.json")
    set_plan(place, "fast", rate=10_000, burst=5_000, daily_quota=None)
    key, _ = add_key(place, name="all", now=now(), plan="fast")
    narrow, _ = add_key(
        place,
        name="one",
        now=now(),
        plan="fast",
        datasets=frozenset({"portfolios", "transactions"}),
        portfolios=frozenset({"alpha"}),
    )
    api = ApiSettings(refresh=0, secret=SECRET)
    app = create_app(backend(small.lake), DocumentKeys(place, clock=now), api, limiter=Limiter(clock=now))
    with (
        running(app, **options) as port,
        httpx.Client(base_url=f"http://{HOST}:{port}", timeout=30, limits=httpx.Limits()) as client,
    ):
        yield Service(client, port, folder, small, key, narrow)


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Iterator[Service]:
    with service_in(tmp_path_factory.mktemp("service")) as made:
        yield made


def files_of(lake: Lake, folder: Path) -> dict[Path, str]:
    found = (path for path in (folder / "lake" / "warehouse").rglob("*") if path.is_file())
    return {path: sha256(path.read_bytes()).hexdigest() for path in found}


def filled(path: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    return path


# What is in parameters


def test_text_in_a_parameter_stays_text(service):
    """Each parameter of each route in turn, the others being good."""
    good = {"portfolio_id": "alpha", "symbol": "AAPL", "dataset": "bars", "date": "2020-01-03"}
    places = [
        (path, each["name"], each["in"]) for path, one in OPERATIONS.items() for each in one.get("parameters", ())
    ]
    before = files_of(service.small.lake, service.folder)

    @settings(max_examples=400, deadline=None, derandomize=True)
    @given(st.sampled_from(places), st.sampled_from(ATTACKS) | st.text(min_size=1, max_size=40))
    def attack(place, text):
        path, name, where = place
        values = {**good, name: text} if where == "path" else good
        query = {"date": good["date"]} if path.endswith("positions") else {}
        answer = service.get(filled(path, values), params={**query, **({name: text} if where == "query" else {})})
        assert answer.status_code in (200, 400, 403, 404)
        if answer.status_code == 200 and "data" in answer.json() and "portfolio_id" in path:
            assert {row["portfolio_id"] for row in answer.json()["data"]} <= {values["portfolio_id"]}

    attack()
    assert files_of(service.small.lake, service.folder) == before
    assert service.small.lake.served_release() == 1


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=-1", "limit=5001", "limit=1000000000000000000000000000000", "limit=1.5", "limit=", "limit=0x10",
     "limit=" + "9" * 2000, "start=0000-01-01", "start=2020-02-30", "start=2020-1-1", "start=20200101", "start=0",
     "start=12020-01-01", "start=2020-01-02&end=2020-01-01", "as_of=2020-01-01", "as_of=2020-01-01T00:00:00",
     "as_of=9999-12-31T23:59:59Z", "as_of=0000-01-01T00:00:00Z", "as_of=0001-01-01T00:00:00%2B23:59",
     "as_of=9999-12-31T23:59:59-23:59", "as_of=2020-01-01T25:00:00Z", "as_of=1577836800", "limit=1&limit=2", "page=",
     "page=x", "page=" + "x" * 2000, "page=..%2F", "format=xml", "format=JSON", "Limit=1", "limit[]=1", "", "%00=1"],
)  # fmt: skip
def test_a_value_out_of_bounds_is_refused(service, query):
    for path in (SUMMARY, "/v1/securities/AAPL/bars", "/v1/portfolios/alpha/transactions"):
        assert service.get(f"{path}?{query}").status_code == (200 if query == "" else 400)


def test_the_widest_range_is_no_trouble(service):
    assert len(service.get(f"{SUMMARY}?start=0001-01-01&end=9999-12-31").json()["data"]) == 10


def test_a_time_of_any_zone_is_the_same_time(service):
    path = "/v1/securities/AAPL/bars?limit=1&as_of="
    answers = [service.get(path + each) for each in ("2026-02-01T00:00:00Z", "2026-02-01T05:30:00%2B05:30")]
    assert len({answer.headers["etag"] for answer in answers}) == 1
    assert answers[0].content == answers[1].content


def test_an_endless_address_is_refused(service):
    assert service.get(f"{SUMMARY}?page={'x' * 5000}").status_code == 414


# Page tokens


@pytest.fixture(scope="module")
def token(service) -> str:
    return service.get(f"{SUMMARY}?limit=2").json()["next"]


def is_no_page(answer: httpx.Response) -> bool:
    return answer.status_code == 400 and answer.json()["type"] == "urn:finks:problem:invalid-page"


def test_a_token_with_any_other_letter_is_refused(service, token):
    """The last letter too, some of whose bits mean nothing."""
    letters = ascii_letters + digits + "-_"
    others = [token[:at] + letter + token[at + 1 :] for at in range(len(token)) for letter in "AQ"]
    others += [token[:-1] + letter for letter in letters]
    for other in set(others) - {token}:
        assert is_no_page(service.get(f"{SUMMARY}?limit=2&page={other}"))


def test_a_token_with_less_or_more_is_refused(service, token):
    for other in (token[:-1], token[:-4], token[:20], token[1:], token + "A", token + token, "A" * len(token)):
        assert is_no_page(service.get(f"{SUMMARY}?limit=2&page={other}"))


@pytest.mark.parametrize(
    "target",
    [f"{SUMMARY}?limit=3", f"{SUMMARY}?limit=2&start=2020-01-01", "/v1/portfolios/alpha/transactions?limit=2",
     f"/v1/portfolios/{quote(OTHER, safe='')}/summary?limit=2", "/v1/portfolios?limit=2",
     "/v1/securities/AAPL/bars?limit=2", f"{SUMMARY}?limit=2&as_of=2026-02-01T00:00:00Z"],
)  # fmt: skip
def test_a_token_of_another_query_is_refused(service, token, target):
    assert is_no_page(service.get(f"{target}&page={token}"))


def test_a_token_of_another_key_is_refused(service, token):
    assert service.get(f"{SUMMARY}?limit=2&page={token}").status_code == 200
    assert is_no_page(service.get(f"{SUMMARY}?limit=2&page={token}", key=service.narrow))


# Keys


@pytest.mark.parametrize("query", ["", "?as_of=2026-02-01T00:00:00Z", "?as_of=2999-01-01T00:00:00Z", "?limit=1&page=x"])
@pytest.mark.parametrize("route", ["summary", "transactions", "positions"])
def test_another_portfolio_is_out_of_reach(service, route, query):
    path = f"/v1/portfolios/{quote(OTHER, safe='')}/{route}{query}"
    if route == "positions":
        path += ("&" if query else "?") + "date=2020-01-03"
    answer = service.get(path, key=service.narrow)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:finks:problem:forbidden-portfolio")


def test_a_listing_shows_the_portfolios_of_the_key_alone(service):
    for query in ("", "?limit=1", "?as_of=2026-02-01T00:00:00Z"):
        answer = service.get(f"/v1/portfolios{query}", key=service.narrow).json()
        assert [row["portfolio_id"] for row in answer["data"]] == ["alpha"]
        assert answer["next"] is None


def test_whether_a_portfolio_exists_is_not_told_to_who_may_not_read_it(service):
    one = service.get(f"/v1/portfolios/{quote(OTHER, safe='')}/summary", key=service.narrow)
    none = service.get("/v1/portfolios/nobody/summary", key=service.narrow)
    assert (one.status_code, one.content) == (none.status_code, none.content)


@pytest.mark.parametrize(
    "path", ["/v1/securities", "/v1/securities/AAPL", "/v1/securities/AAPL/bars", "/v1/datasets/bars",
             "/v1/datasets/securities"],
)  # fmt: skip
def test_another_dataset_is_out_of_reach(service, path):
    answer = service.get(path, key=service.narrow)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:finks:problem:forbidden-dataset")


def test_the_datasets_listed_are_those_of_the_key(service):
    listed = service.get("/v1/datasets", key=service.narrow).json()["data"]
    assert {each["scope"] for each in listed} == {"portfolios", "transactions"}


def test_no_route_but_health_answers_without_a_key(service):
    for path in OPERATIONS:
        target = filled(path, {"portfolio_id": "alpha", "symbol": "AAPL", "dataset": "bars"})
        answer = service.get(target, headers={"x-api-key": "finks" + "0" * 64})
        assert answer.status_code == (200 if path == "/v1/health" else 403)


# Requests that are no good HTTP

PATHS = [
    "//v1/portfolios", "/v1//portfolios", "/v1/portfolios/", "/v1/./portfolios", "/v1/../v1/portfolios",
    "/v1/health/../portfolios", "/v1/health/..%2Fportfolios", "/v1/health%2F..%2Fportfolios", "/v1/health/",
    "/V1/HEALTH", "/v1/health;a=b", "/v1/health%00", "/v1/health%3Fa", "/docs/../v1/portfolios",
    "/docs/style.css/../../app.py", "/docs/%2e%2e/server.py", "/%2e%2e/%2e%2e/etc/passwd", "/..%5c..%5cwindows",
    "/v1/portfolios/alpha%00/summary", "/v1/portfolios/%0d%0a/summary", "/v1/portfolios/alpha/../beta/summary",
    "/v1/portfolios/..%2Falpha/summary", "/v1/portfolios/%ff/summary", "/v1/portfolios/%/summary",
    "/v1/portfolios/\u00e9/summary", "/v1/portfolios/%C0%AE/summary", "/v1/securities/..", "/v1/securities/%2e%2e%2fx",
    "/v1/securities/%EF%BC%8E", "/v1/portfolios/%E2%80%AE/summary", "*", "v1/portfolios",
]  # fmt: skip


def test_an_escaped_slash_opens_nothing(service):
    path = f"/v1/portfolios/{quote(OTHER, safe='')}%2Fsummary"
    assert service.get(path, key=service.narrow).status_code == 403
    assert service.get(path, key="finks").status_code == 403


@pytest.mark.parametrize("path", PATHS)
def test_no_path_leads_astray(service, path):
    answer = service.ask(path)
    assert status(answer) in (400, 404)
    assert not INTERNALS.search(answer.decode("latin-1"))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["content-length: 10000000000"], 413),
        (["transfer-encoding: chunked"], 413),
        (["content-length: 5", "transfer-encoding: chunked"], 400),
        (["content-length: 5", "content-length: 6"], 400),
        (["content-length: -1"], 400),
        (["content-length: 5, 5"], 400),
        (["transfer-encoding: chunked", "transfer-encoding: identity"], 400),
        (["x-evil : 1"], 400),
        (["x-evil\t: 1"], 400),
        (["x\x00: 1"], 400),
        (["x: a\rb: c"], 400),
        (["x: a\x00b"], 400),
        (["no colon"], 400),
        (["content-length: 0"], 200),
    ],
)
def test_a_body_or_a_broken_header_is_refused(service, lines, expected):
    answer = service.ask(SUMMARY, *lines)
    assert status(answer) == expected
    assert (b"application/problem+json" in answer) == (expected != 200)


def test_an_endless_body_is_not_read(service):
    head = f"GET {SUMMARY} HTTP/1.1\r\nhost: api\r\nx-api-key: {service.key}\r\ntransfer-encoding: chunked\r\n\r\n"
    answer = service.raw(head.encode() + b"10000\r\n" + b"x" * 65536 * 50)
    assert answer == b"" or status(answer) in (413, 431)  # what comes late can make the system drop the answer
    assert service.get("/v1/health").status_code == 200


@pytest.mark.parametrize(
    "data", [b"\x16\x03\x01\x02\x00", b"\r\n" * 9 + b"HELO x\r\n\r\n", b"GET\r\n\r\n", b"\x00" * 50]
)
def test_what_is_not_http_is_refused(service, data):
    answer = service.raw(data)
    assert status(answer) == 400
    assert b"urn:finks:problem:no-request" in answer


def test_a_request_inside_another_is_none(service):
    """What follows a body that is refused is not taken for a request of its own."""
    hidden = "GET /v1/health HTTP/1.1\r\nhost: api\r\n\r\n"
    head = f"GET {SUMMARY} HTTP/1.1\r\nhost: api\r\nx-api-key: {service.key}\r\ncontent-length: {len(hidden)}\r\n\r\n"
    assert service.raw((head + hidden).encode()).count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("line", ["x-long: " + "x" * HEADER_BYTES, "\r\n".join(f"x-{n}: y" for n in range(5000))])
def test_too_large_headers_are_refused(service, line):
    answer = service.ask(SUMMARY, line)
    assert answer == b"" or status(answer) == 431
    assert service.get("/v1/health").status_code == 200


@pytest.mark.parametrize("start", ["", "GET /v1/hea", "GET /v1/health HTTP/1.1\r\nhost: api\r\nx: "])
def test_a_request_without_an_end_is_given_up(tmp_path, start):
    with service_in(tmp_path, header_seconds=0.5) as service:
        answer = service.raw(start.encode())
        assert status(answer) == 408
        assert b"urn:finks:problem:request-timeout" in answer


def test_a_request_that_drips_in_is_given_up(tmp_path):
    with (
        service_in(tmp_path, header_seconds=0.5) as service,
        socket.create_connection((HOST, service.port), timeout=30) as slow,
    ):
        slow.sendall(b"GET /v1/health HTTP/1.1\r\n")
        slow.settimeout(0.05)
        answer = b""
        while not answer:  # each line comes well before the time is up
            with contextlib.suppress(ConnectionError):
                slow.sendall(b"x: y\r\n")
            with contextlib.suppress(TimeoutError):
                answer = slow.recv(4096)
        assert status(answer) == 408


def test_many_slow_clients_keep_nobody_out(service):
    with contextlib.ExitStack() as opened:
        for _ in range(100):
            slow = opened.enter_context(socket.create_connection((HOST, service.port)))
            slow.sendall(b"GET /v1/health HTTP/1.1\r\nx: ")
        assert service.get("/v1/health").status_code == 200


# What comes back


EVIL = "%0d%0aset-cookie:%20evil=1%0d%0a%0d%0a<html>"


@pytest.mark.parametrize(
    "target",
    [f"{SUMMARY}?limit={EVIL}", f"{SUMMARY}?page={EVIL}", f"{SUMMARY}?as_of={EVIL}", f"{SUMMARY}?format={EVIL}",
     f"{SUMMARY}?{EVIL}=1", f"/v1/portfolios/{EVIL}/summary", f"/{EVIL}", f"/v1/securities/{EVIL}", f"/docs?{EVIL}=1"],
)  # fmt: skip
def test_a_parameter_makes_no_header(service, target):
    head, _, body = service.ask(target).partition(b"\r\n\r\n")
    assert b"evil" not in head
    assert b"<html>" not in body or b"content-type: text/html" in head


@pytest.mark.parametrize("name", ["x-correlation-id", "accept", "if-none-match", "accept-encoding"])
def test_a_header_makes_no_header(service, name):
    for value in ("a\tset-cookie: evil=1", "\u00e9vil", '"evil', "evil" * 1000, "<evil>", "evil;evil"):
        head = service.ask(f"{SUMMARY}?format=json", f"{name}: {value}").partition(b"\r\n\r\n")[0]
        assert status(head) == 200
        assert b"vil" not in head


def test_the_host_is_never_believed(service):
    for path in ("/", "/docs", "/openapi.json", f"{SUMMARY}?limit=1", "/v1/portfolios/", "/nothing", "/v1/health"):
        head = f"GET {path} HTTP/1.1\r\nhost: evil.example\r\nx-forwarded-host: evil.example\r\n"
        rest = f"x-forwarded-proto: evil\r\nx-api-key: {service.key}\r\nconnection: close\r\n\r\n"
        assert b"evil" not in service.raw((head + rest).encode())


@pytest.mark.parametrize("path", [*OPERATIONS, "/", "/docs", "/docs/style.css", "/openapi.json", "/nothing"])
def test_head_is_get_without_the_body(service, path):
    target = filled(path, {"portfolio_id": "alpha", "symbol": "AAPL", "dataset": "bars"})
    target += "?date=2020-01-03" if path.endswith("positions") else ""
    got, head = (
        service.client.request(method, target, headers={"x-api-key": service.key}) for method in ("GET", "HEAD")
    )
    assert (head.status_code, head.content) == (got.status_code, b"")
    own = {"date", "x-correlation-id"}
    assert {k: v for k, v in head.headers.items() if k not in own} == {
        k: v for k, v in got.headers.items() if k not in own
    }


def test_the_log_holds_neither_keys_nor_tokens(service, token, caplog):
    with caplog.at_level(logging.DEBUG), caplog.filtering(lambda record: not record.name.startswith("http")):
        service.get(f"{SUMMARY}?limit=2&page={token}")
        service.get(f"{SUMMARY}?limit=2&page={token[:-1]}")
        service.get(f"/v1/portfolios/{service.key}/summary")
        service.get(f"/v1/securities?limit={service.key}", headers={"x-correlation-id": service.key})
        service.ask(f"/{service.key}", f"authorization: {service.key}", "broken", f"cookie: {token}")
    told = "\n".join(repr(vars(each)) + each.getMessage() for each in caplog.records)
    assert len(caplog.records) >= 4
    assert service.key not in told
    assert token[:-1] not in told


# A damaged lake, a busy one


def data_files(service: Service) -> list[Path]:
    return list((service.folder / "lake" / "warehouse").rglob("*.parquet"))


def remove(path: Path) -> None:
    path.unlink()


def corrupt(path: Path) -> None:
    path.write_bytes(b"PAR1" + b"\x00" * 100)


@pytest.mark.parametrize("damage", [remove, corrupt])
@pytest.mark.parametrize("files", ["*.parquet", "*.avro", "*.metadata.json"])
def test_a_damaged_lake_is_unavailable_and_says_nothing_of_itself(tmp_path, files, damage):
    with service_in(tmp_path) as service:
        for path in (service.folder / "lake").rglob(files):
            damage(path)
        for target in (SUMMARY, "/v1/securities/AAPL/bars", "/v1/portfolios", "/v1/datasets", "/v1/datasets/bars"):
            answer = service.get(target)
            assert answer.status_code in (500, 503)
            assert answer.json()["type"] in {"urn:finks:problem:internal", "urn:finks:problem:unavailable"}


class Waiting(DuckDbBackend):
    """Its queries wait until they are let go."""

    def __init__(self, lake: Lake) -> None:
        super().__init__(lake)
        self.go = Event()

    def rows(self, read, release):
        self.go.wait()
        return super().rows(read, release)


def test_health_answers_while_every_query_waits(tmp_path):
    made: list[Waiting] = []
    with (
        service_in(tmp_path, lambda lake: made.append(Waiting(lake)) or made[0]) as service,
        ThreadPoolExecutor(60) as pool,
    ):
        try:
            asked = [pool.submit(service.get, f"{SUMMARY}?limit={n}") for n in range(1, 61)]
            for _ in range(3):
                assert service.get("/v1/health").status_code == 200
                assert service.get("/v1/version").status_code == 200
            assert not any(each.done() for each in asked)
        finally:
            made[0].go.set()
        assert {each.result().status_code for each in asked} == {200}


def test_who_leaves_before_the_answer_disturbs_nobody(tmp_path):
    made: list[Waiting] = []
    with service_in(tmp_path, lambda lake: made.append(Waiting(lake)) or made[0]) as service:
        for _ in range(5):
            with socket.create_connection((HOST, service.port)) as leaving:
                leaving.sendall(f"GET {SUMMARY} HTTP/1.1\r\nhost: api\r\nx-api-key: {service.key}\r\n\r\n".encode())
        made[0].go.set()
        assert service.get(SUMMARY).status_code == 200
