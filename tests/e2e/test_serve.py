"""`finks demo`, then `finks serve`, then the line that it prints."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from finks.lake import Lake
from finks.loopback import free_port

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("demo")]


@dataclass(frozen=True)
class Served:
    """A server that was started as the README says, and what it printed until it served."""

    folder: Path
    url: str
    curl: list[str]
    key: str


@pytest.fixture(scope="module")
def served(demo) -> Iterator[Served]:
    folder, port = demo[0], free_port()
    (folder / "finks-demo" / "api-keys.json").unlink(missing_ok=True)
    command = [str(Path(sys.executable).with_name("finks")), "serve", "--port", str(port)]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        printed = [process.stderr.readline() for _ in range(5)]
        curl = shlex.split(printed[-1])
        for _ in range(200):
            if subprocess.run([*curl, "--silent", "--output", "/dev/null"], check=False).returncode == 0:
                break
        yield Served(folder, f"http://127.0.0.1:{port}", curl, re.findall(r"finks[0-9a-f]{64}", printed[2])[0])
        process.send_signal(signal.SIGINT)
        process.stderr.read()


def test_the_printed_line_lists_the_portfolios(served):
    answer = subprocess.run([*served.curl, "--silent", "--fail"], capture_output=True, text=True, check=True).stdout
    assert '"us-retirement"' in answer


def test_the_summary_is_the_marts_value_for_value(served):
    url = f"{served.url}/v1/portfolios/us-retirement/summary"
    answer = httpx.get(url, params={"limit": 5000}, headers={"x-api-key": served.key}).json()
    mart = Lake.open(served.folder / "finks-demo" / "lake").gold("daily_portfolio_summary").polars()
    expected = mart.filter(portfolio_id="us-retirement").sort("date").to_dicts()
    assert len(answer["data"]) == len(expected) > 3000
    for row, values in zip(answer["data"], expected, strict=True):
        for name, value in values.items():
            said = Decimal(row[name]) if isinstance(value, Decimal) else row[name]
            assert said == (value.isoformat() if name == "date" else value)


@pytest.mark.parametrize("key", [None, "finks" + 64 * "0"], ids=["none", "wrong"])
def test_without_a_valid_key_nothing_is_answered(served, key):
    answer = httpx.get(f"{served.url}/v1/portfolios", headers={} if key is None else {"x-api-key": key})
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:finks:problem:invalid-key")


def test_over_the_rate_is_429(served):
    with httpx.Client(headers={"x-api-key": served.key}) as client, ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(client.get, [f"{served.url}/v1/version"] * 200))
    refused = [answer for answer in answers if answer.status_code != 200]
    assert {(answer.status_code, answer.headers["retry-after"]) for answer in refused} == {(429, "1")}
