"""The Data API under load: kept answers and new ones, beside a bare FastAPI route that returns the same bytes.

    python bench/api.py [--seconds 5] [--turns 3] [--minutes 0]

Needs `wrk` (Debian: `apt-get install wrk`). Both servers are processes of their own with the settings of `finks serve`,
its log included; they are asked in turns, so that what else the machine does meets both. `--minutes` watches the
memory instead.
"""

from __future__ import annotations

import argparse
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import httpx
import psutil
import pyarrow as pa
from finks.lake import Lake
from finks.loopback import HOST, free_port
from finks_api.access_log import configure_access_log
from finks_api.keys.edit import add_key, set_plan
from finks_api.keys.place import key_place
from finks_api.records import SUMMARY
from finks_api.server import make_server
from rich.console import Console
from rich.table import Table

CONNECTIONS = (1, 4, 16, 64)
PORTFOLIOS, DAYS = 20, 3650
KEYS = 4
"""One key may ask 10,000 times a second at most."""

CACHE_BYTES = 16 * 2**20
"""A quarter of what there is unless said, so that it is soon full."""

SUMMARIES = "/v1/portfolios/p0/summary"
MONTH = f"{SUMMARIES}?start=2012-06-01&end=2012-06-30"
SCRIPT = """
local keys, ready, n = {%(keys)s}, {}, 0
function init(arguments)
  math.randomseed(os.time())
  for i, key in ipairs(keys) do
    ready[i] = wrk.format("GET", "%(path)s", {["x-api-key"] = key})
  end
end
function request()
  n = n + 1
  if not %(vary)s then return ready[n %% #ready + 1] end
  local first = 1262304000 + 86400 * math.random(0, 3000)
  local path = string.format("%(summaries)s?start=%%s&end=%%s&limit=%%d", os.date("!%%Y-%%m-%%d", first),
    os.date("!%%Y-%%m-%%d", first + 29 * 86400), math.random(30, 5000))
  return wrk.format("GET", (path:gsub("p0", "p" .. math.random(0, %(portfolios)d - 1))),
    {["x-api-key"] = keys[n %% #keys + 1]})
end
"""


class Load(NamedTuple):
    """What wrk measured, and what the server took for it. Times in milliseconds, `cpu` of one request."""

    rate: float
    median: float
    slow: float
    cpu: float
    errors: str


@dataclass(frozen=True)
class Server:
    """A server in a process of its own."""

    url: str
    process: psutil.Process

    @property
    def cpu(self) -> float:
        """Seconds of processor time so far."""
        return sum(self.process.cpu_times()[:2])

    @property
    def memory(self) -> int:
        """MB in memory."""
        return self.process.memory_info().rss // 2**20


def fill(lake: Lake) -> None:
    """One release: portfolios with ten years of summaries each."""
    names = [f"p{number}" for number in range(PORTFOLIOS)]
    days = [date(2010, 1, 1) + timedelta(days=number) for number in range(DAYS)]
    amount = Decimal("123456.7812345678")
    values = {pa.string(): "USD", pa.float64(): 0.0123456789, pa.int64(): 7, pa.decimal128(38, 10): amount}
    rows = PORTFOLIOS * DAYS
    columns = {field.name: pa.array([values[field.type]] * rows, field.type) for field in SUMMARY.fields[2:]}
    keys = {"portfolio_id": [n for n in names for _ in days], "date": days * PORTFOLIOS}
    summaries = pa.table({**keys, **columns}).cast(SUMMARY.arrow)
    with lake.hold(run_id="bench", command="bench"):
        lake.publish({"daily_portfolio_summary": summaries}, run_id="bench")


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[Server]:
    """One of the two servers, in a process, until the block ends."""
    port = free_port()
    with (folder / f"{arguments[0]}.log").open("w") as log:
        process = subprocess.Popen([sys.executable, __file__, "--serve", *arguments, "--port", str(port),
                                    "--folder", str(folder)], stderr=log)  # fmt: skip
    try:
        url = f"http://{HOST}:{port}"
        while not _answers(url):
            if process.poll() is not None:
                sys.exit((folder / f"{arguments[0]}.log").read_text())
            time.sleep(0.1)
        yield Server(url, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait()


def _answers(url: str) -> bool:
    try:
        httpx.get(url + MONTH, timeout=30)
    except httpx.TransportError:
        return False
    return True


def serve(what: str, folder: Path, port: int) -> None:
    """Be one of the two servers."""
    if what == "api":
        from finks.run.settings import load_settings
        from finks_api.assemble import assemble

        settings = load_settings(folder)
        configure_access_log(sys.stderr)
        app = assemble(settings, Lake.open(settings.lake.place()))
    else:
        from fastapi import FastAPI, Response

        app, body = FastAPI(), (folder / "body.json").read_bytes()

        @app.get(SUMMARIES)
        async def _() -> Response:
            return Response(body, media_type="application/json")

    make_server(app, HOST, port).run()


def press(server: Server, script: Path, connections: int, seconds: float) -> Load:
    """Let wrk ask over so many connections."""
    before = server.cpu
    said = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--latency", "--timeout", "30s", "-s", str(script),
         server.url],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    spent = server.cpu - before
    found = dict(re.findall(r"^ +(50|99)% +(\S+) *$", said, re.MULTILINE))
    requests, rate = re.search(r"(\d+) requests in", said), re.search(r"Requests/sec: +([\d.]+)", said)
    if requests is None or rate is None or not int(requests[1]):
        sys.exit(said)
    errors = re.findall(r"(Non-2xx.*|Socket errors:.*)", said)
    times = _milliseconds(found["50"]), _milliseconds(found["99"]), spent * 1000 / int(requests[1])
    return Load(float(rate[1]), *times, "; ".join(errors))


def _milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}[unit]


def compare(console: Console, api: Server, bare: Server, scripts: dict[str, Path], seconds: float, turns: int) -> bool:
    """Print a line for each number of connections. Returns whether nothing went wrong."""
    table = Table("connections", "", "requests/s", "of bare", "p50 ms", "p99 ms", "CPU ms", "of bare", "MB", "errors")
    errors: set[str] = set()
    kinds = {"bare": (bare, "kept"), "kept": (api, "kept"), "new": (api, "new")}
    for connections in CONNECTIONS:
        found: dict[str, list[Load]] = {kind: [] for kind in kinds}
        for _ in range(turns):
            for kind, (server, script) in kinds.items():
                found[kind].append(press(server, scripts[script], connections, seconds))
        for kind, loads in found.items():
            pairs = list(zip(loads, found["bare"], strict=True))
            faster = statistics.median(load.rate / other.rate for load, other in pairs)
            cheaper = statistics.median(other.cpu / load.cpu for load, other in pairs)
            rate, median, slow, cpu = (statistics.median(each) for each in list(zip(*loads, strict=True))[:4])
            wrong = {load.errors for load in loads} - {""}
            errors |= wrong
            table.add_row(
                str(connections), kind, f"{rate:,.0f}", f"{faster:.0%}", f"{median:.2f}", f"{slow:.2f}", f"{cpu:.3f}",
                f"{cheaper:.0%}", str(kinds[kind][0].memory), "; ".join(wrong) or "none",
            )  # fmt: skip
    console.print(table)
    return not errors


def soak(console: Console, api: Server, scripts: dict[str, Path], minutes: float) -> bool:
    """Ask for new and kept answers in turns, and print the memory. Returns whether nothing went wrong."""
    console.print(f"memory after the start: {api.memory} MB")
    errors: set[str] = set()
    rounds = max(1, round(minutes * 6))
    for number in range(1, rounds + 1):
        loads = [press(api, scripts[kind], 16, 5) for kind in ("new", "kept")]
        errors |= {load.errors for load in loads} - {""}
        if number % 3 == 0 or number == rounds:
            console.print(f"after {number / 6:.1f} minutes: {api.memory} MB, {loads[0].rate:,.0f} new and "
                          f"{loads[1].rate:,.0f} kept a second")  # fmt: skip
    console.print(f"errors: {'; '.join(errors) or 'none'}")
    return not errors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5, help="seconds of one measurement")
    parser.add_argument("--turns", type=int, default=3, help="measurements of each; the median counts")
    parser.add_argument("--minutes", type=float, default=0, help="watch the memory for so long instead")
    for name in ("--serve", "--folder", "--port"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve(asked.serve, Path(asked.folder), int(asked.port))
        return
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed: apt-get install wrk, or brew install wrk")
    console = Console(width=120)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        scripts = prepare(folder)
        api = stack.enter_context(serving(folder, "api"))
        key = (folder / "key").read_text()
        body = httpx.get(api.url + MONTH, headers={"x-api-key": key, "accept-encoding": "identity"})
        assert body.status_code == 200, body.text
        (folder / "body.json").write_bytes(body.content)
        console.print(f"an answer has {len(body.content):,} bytes; both servers have the same")
        if asked.minutes:
            sys.exit(not soak(console, api, scripts, asked.minutes))
        bare = stack.enter_context(serving(folder, "bare"))
        sys.exit(not compare(console, api, bare, scripts, asked.seconds, asked.turns))


def prepare(folder: Path) -> dict[str, Path]:
    """A lake, its settings, its keys, and what wrk sends."""
    fill(Lake.open(folder / "lake", create=True))
    (folder / "finks.toml").write_text(f'[lake]\npath = "lake"\n[api]\ncache_bytes = {CACHE_BYTES}\n')
    place = key_place(folder / "api-keys.json")
    set_plan(place, "bench", rate=10_000, burst=5_000, daily_quota=None)
    keys = [add_key(place, name="bench", now=datetime.now(UTC), plan="bench")[0] for _ in range(KEYS)]
    (folder / "key").write_text(keys[0])
    scripts = {kind: folder / f"{kind}.lua" for kind in ("kept", "new")}
    for kind, script in scripts.items():
        listed = ", ".join(f'"{key}"' for key in keys)
        told = {"keys": listed, "path": MONTH, "summaries": SUMMARIES, "portfolios": PORTFOLIOS}
        script.write_text(SCRIPT % {**told, "vary": str(kind == "new").lower()})
    return scripts


if __name__ == "__main__":
    main()
