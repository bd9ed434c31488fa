"""The nightly flow on a worker: Gold from the simulated vendor, and each fault with the state that is documented."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import finks
import psutil
import pytest
from finks.testing import replies
from finks.testing.fault_server import FaultServer
from finks_connectors.demo.command import DEMO_KEY, LAST_SESSION, prepare
from finks_connectors.fmp.simulator import SimulatedFmp

pytestmark = [pytest.mark.prefect, pytest.mark.slow, pytest.mark.xdist_group("prefect"), pytest.mark.timeout(900)]

SYMBOLS = tuple("ABCDEFGHIJ")
FINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


class Vendor:
    """The sample connector's vendor and the receiver of alerts, on one server."""

    def __init__(self, server: FaultServer) -> None:
        self.url = server.url
        self.broken: set[str] = set()
        self.crossed: set[str] = set()
        self.asked = threading.Event()
        self.free = threading.Event()
        self.free.set()
        self.alerts: list[dict] = []
        server.handle("/quotes", self._quote)
        server.handle("/alerts", self._take)

    def _quote(self, request) -> replies.Reply:
        symbol = request.params["symbol"]
        self.asked.set()
        if symbol in self.broken:
            return replies.json_text("{}", 500)
        bid, ask = (3, 2) if symbol in self.crossed else (1, 2)
        answer = replies.json_value([{"symbol": symbol, "day": "2024-06-03", "bid": bid, "ask": ask}])
        return answer if self.free.is_set() else replies.delayed(answer, 30)

    def _take(self, request) -> replies.Reply:
        self.alerts.append(json.loads(request.body))
        return replies.json_text("{}")

    def kinds(self) -> Counter:
        return Counter((alert["kind"], alert["status"]) for alert in self.alerts)


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with FaultServer() as server:
        yield Vendor(server)


@pytest.fixture
def lake(prefect, vendor):
    """A new lake with the sample connector as its only source, deployed."""
    directory = prefect.project / "lake"
    shutil.rmtree(directory, ignore_errors=True)
    settings = f"""
[sources.sample]
base_url = "{vendor.url}"
symbols = {json.dumps(SYMBOLS)}
attempts = 1

[alerts.notifiers.webhook]
url = "{vendor.url}/alerts"
"""
    prefect.deployed(settings)
    return directory


def start(prefect, **parameters) -> str:
    body = {"parameters": parameters}
    return prefect.call("POST", f"/deployments/{prefect.deployment()['id']}/create_flow_run", body)["id"]


def ended(prefect, run: str) -> dict:
    def state():
        found = prefect.call("GET", f"/flow_runs/{run}")["state"]
        return found if found["type"] in FINAL else None

    return prefect.wait_for(state, 300)


def run_once(prefect, **parameters) -> dict:
    return ended(prefect, start(prefect, **parameters))


def symbols(lake) -> list[str]:
    return sorted(finks.open(lake).latest("sample_quotes").polars()["symbol"])


def run_processes(prefect) -> list[psutil.Process]:
    return psutil.Process(prefect.status["worker"]).children(recursive=True)


def hold_up(prefect, vendor) -> str:
    """A run that is in the middle of its fetching."""
    vendor.free.clear()
    run = start(prefect)
    assert vendor.asked.wait(180)
    vendor.free.set()
    return run


def test_a_scheduled_run_publishes_gold_from_the_simulated_vendor(prefect):
    prepare(prefect.project / "demo")
    for file in (prefect.project / "demo").iterdir():
        shutil.copy(file, prefect.project / f"demo-{file.name}")
    with SimulatedFmp(today=LAST_SESSION, keys={DEMO_KEY: "ultimate"}) as simulated:
        (prefect.project / "finks.toml").write_text(f"""
[lake]
path = "demo-lake"
[run]
logical_date = {LAST_SESSION}
[schedule]
cron = "* * * * *"
[sources.files]
transactions = "demo-transactions.csv"
portfolios = "demo-portfolios.csv"
[sources.fmp]
base_url = "{simulated.url}"
api_key = "{DEMO_KEY}"
plan = "ultimate"
symbols = ["AAPL", "MSFT", "IBM"]
pairs = ["EURUSD"]
start = 2000-03-01
""")
        done = prefect.flows("deploy")
        assert done.returncode == 0, done.stderr
        wanted = {
            "flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}, "deployment_id": {"any_": [nightly_id(prefect)]}}
        }
        runs = prefect.wait_for(
            lambda: [r for r in prefect.call("POST", "/flow_runs/filter", wanted) if r["auto_scheduled"]], 400
        )
        # No other run may start while the vendor goes away.
        assert prefect.deploy().returncode == 0
    lake = finks.open(prefect.project / "demo-lake")
    assert lake.served_release() is not None
    assert lake.gold("daily_portfolio_summary").polars().height > 1000
    assert runs[-1]["state"]["name"] == "Completed"


def nightly_id(prefect) -> str:
    return prefect.deployment()["id"]


def test_a_plugin_beside_finks_runs_by_its_settings_alone(prefect, vendor, lake):
    assert run_once(prefect)["name"] == "Completed"
    assert symbols(lake) == list(SYMBOLS)
    assert vendor.alerts == []


def test_a_source_that_is_partly_down_alerts_once_and_the_next_run_repairs(prefect, vendor, lake):
    vendor.broken = {"A", "B", "C"}
    states = [run_once(prefect)["name"] for _ in range(2)]
    assert (states, symbols(lake)) == (["SourceUnavailable"] * 2, list(SYMBOLS[3:]))
    assert len(vendor.alerts) == 1
    vendor.broken = set()
    assert run_once(prefect)["name"] == "Completed"
    assert symbols(lake) == list(SYMBOLS)
    # Its end is told, once.
    assert len(vendor.alerts) == 2


def test_a_broken_contract_ends_in_bad_data_and_alerts_once(prefect, vendor, lake):
    vendor.crossed = {"A", "B"}
    assert run_once(prefect)["name"] == "BadData"
    assert symbols(lake) == list(SYMBOLS[2:])
    assert [kind for kind, _ in vendor.kinds()] == ["contract_breach"]


def test_a_stop_ends_a_run_at_its_boundary_and_the_next_one_does_the_rest(prefect, vendor, lake):
    run = hold_up(prefect, vendor)
    for process in run_processes(prefect):
        process.send_signal(signal.SIGTERM)
    assert ended(prefect, run)["name"] == "Stopped"
    assert run_once(prefect)["name"] == "Completed"
    assert symbols(lake) == list(SYMBOLS)


def test_a_worker_that_is_killed_with_its_run_leaves_a_crashed_run_and_a_lake_that_the_next_run_completes(
    prefect, vendor, lake
):
    run = hold_up(prefect, vendor)
    for process in [*run_processes(prefect), psutil.Process(prefect.status["worker"])]:
        process.kill()
    prefect.wait_for(lambda: prefect.status["worker"] is None)
    prefect.up()
    assert ended(prefect, run)["type"] == "CRASHED"
    assert run_once(prefect)["name"] == "Completed"
    assert symbols(lake) == list(SYMBOLS)
    assert vendor.kinds()[("zombie_run", "open")] == 1


@pytest.mark.parametrize("part", ["server", "postgres"])
def test_a_run_outlives_the_server_and_its_database(prefect, vendor, lake, part):
    run = hold_up(prefect, vendor)
    psutil.Process(prefect.status[part]).kill()
    prefect.wait_for(lambda: prefect.status[part] is None)
    prefect.up()
    # What the server is told in the end is its affair; the lake is right, and the next run finds nothing to do.
    ended(prefect, run)
    assert run_once(prefect)["name"] == "Completed"
    assert symbols(lake) == list(SYMBOLS)
    assert finks.open(lake).history("sample_quotes").polars().height == len(SYMBOLS)


def test_a_second_run_of_the_same_lake_ends_busy_and_alerts_nobody(prefect, vendor, lake):
    run = hold_up(prefect, vendor)
    second = prefect.finks("run", "--no-gold", cwd=prefect.project)
    assert second.returncode == 6
    assert ended(prefect, run)["name"] == "Completed"
    assert vendor.alerts == []


def test_a_flow_beside_a_run_by_hand_ends_busy_and_is_no_failure(prefect, vendor, lake):
    vendor.free.clear()
    command = [str(Path(sys.executable).with_name("finks")), "run", "--no-gold"]
    by_hand = subprocess.Popen(command, cwd=prefect.project, env={**os.environ}, stderr=subprocess.DEVNULL)
    assert vendor.asked.wait(120)
    vendor.free.set()
    state = run_once(prefect)
    assert (state["type"], state["name"]) == ("CANCELLED", "LakeBusy")
    assert by_hand.wait(120) == 0
    assert vendor.alerts == []
