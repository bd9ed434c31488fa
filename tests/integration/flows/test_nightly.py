"""The nightly flow on a worker: Gold from the simulated vendor, and each fault with the state that is documented."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import finks
import psutil
import pytest
from finks_connectors.demo.command import DEMO_KEY, LAST_SESSION, prepare
from finks_connectors.fmp.simulator import SimulatedFmp

pytestmark = [pytest.mark.prefect, pytest.mark.slow, pytest.mark.xdist_group("prefect"), pytest.mark.timeout(900)]


@pytest.fixture
def lake(prefect, vendor):
    """A new lake with the sample connector as its only source, deployed."""
    directory = prefect.project / "lake"
    shutil.rmtree(directory, ignore_errors=True)
    prefect.deployed(vendor.settings)
    return directory


def symbols(lake) -> list[str]:
    return sorted(finks.open(lake).latest("sample_quotes").polars()["symbol"])


def run_processes(prefect) -> list[psutil.Process]:
    return psutil.Process(prefect.status["worker"]).children(recursive=True)


def hold_up(prefect, vendor) -> str:
    """A run that is in the middle of its fetching."""
    vendor.free.clear()
    run = prefect.start()
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
        ours = {"any_": [prefect.deployment()["id"]]}
        wanted = {"flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}, "deployment_id": ours}}
        runs = prefect.wait_for(
            lambda: [r for r in prefect.call("POST", "/flow_runs/filter", wanted) if r["auto_scheduled"]], 400
        )
        # No other run may start while the vendor goes away.
        assert prefect.deploy().returncode == 0
    lake = finks.open(prefect.project / "demo-lake")
    assert lake.served_release() is not None
    assert lake.gold("daily_portfolio_summary").polars().height > 1000
    assert runs[-1]["state"]["name"] == "Completed"


def test_a_plugin_beside_finks_runs_by_its_settings_alone(prefect, vendor, lake):
    assert prefect.run_once()["name"] == "Completed"
    assert symbols(lake) == list(vendor.symbols)
    assert vendor.alerts == []


def test_a_source_that_is_partly_down_alerts_once_and_the_next_run_repairs(prefect, vendor, lake):
    vendor.broken = {"A", "B", "C"}
    states = [prefect.run_once()["name"] for _ in range(2)]
    assert (states, symbols(lake)) == (["SourceUnavailable"] * 2, list(vendor.symbols[3:]))
    assert len(vendor.alerts) == 1
    vendor.broken = set()
    assert prefect.run_once()["name"] == "Completed"
    assert symbols(lake) == list(vendor.symbols)
    # Its end is told, once.
    assert len(vendor.alerts) == 2


def test_a_broken_contract_ends_in_bad_data_and_alerts_once(prefect, vendor, lake):
    vendor.crossed = {"A", "B"}
    assert prefect.run_once()["name"] == "BadData"
    assert symbols(lake) == list(vendor.symbols[2:])
    assert [kind for kind, _ in vendor.kinds()] == ["contract_breach"]


def test_a_stop_ends_a_run_at_its_boundary_and_the_next_one_does_the_rest(prefect, vendor, lake):
    run = hold_up(prefect, vendor)
    for process in run_processes(prefect):
        process.send_signal(signal.SIGTERM)
    assert prefect.ended(run)["name"] == "Stopped"
    assert prefect.run_once()["name"] == "Completed"
    assert symbols(lake) == list(vendor.symbols)


def test_a_worker_that_is_killed_with_its_run_leaves_a_crashed_run_and_a_lake_that_the_next_run_completes(
    prefect, vendor, lake
):
    run = hold_up(prefect, vendor)
    for process in [*run_processes(prefect), psutil.Process(prefect.status["worker"])]:
        process.kill()
    prefect.wait_for(lambda: prefect.status["worker"] is None)
    prefect.up()
    assert prefect.ended(run)["type"] == "CRASHED"
    assert prefect.run_once()["name"] == "Completed"
    assert symbols(lake) == list(vendor.symbols)
    assert vendor.kinds()[("zombie_run", "open")] == 1


@pytest.mark.parametrize("part", ["server", "postgres"])
def test_a_run_outlives_the_server_and_its_database(prefect, vendor, lake, part):
    run = hold_up(prefect, vendor)
    psutil.Process(prefect.status[part]).kill()
    prefect.wait_for(lambda: prefect.status[part] is None)
    prefect.up()
    # What the server is told in the end is its affair; the lake is right, and the next run finds nothing to do.
    prefect.ended(run)
    assert prefect.run_once()["name"] == "Completed"
    assert symbols(lake) == list(vendor.symbols)
    assert finks.open(lake).history("sample_quotes").polars().height == len(vendor.symbols)


def test_a_second_run_of_the_same_lake_ends_busy_and_alerts_nobody(prefect, vendor, lake):
    run = hold_up(prefect, vendor)
    second = prefect.finks("run", "--no-gold", cwd=prefect.project)
    assert second.returncode == 6
    assert prefect.ended(run)["name"] == "Completed"
    assert vendor.alerts == []


def test_a_flow_beside_a_run_by_hand_ends_busy_and_is_no_failure(prefect, vendor, lake):
    vendor.free.clear()
    command = [str(Path(sys.executable).with_name("finks")), "run", "--no-gold"]
    by_hand = subprocess.Popen(command, cwd=prefect.project, env={**os.environ}, stderr=subprocess.DEVNULL)
    assert vendor.asked.wait(120)
    vendor.free.set()
    state = prefect.run_once()
    assert (state["type"], state["name"]) == ("CANCELLED", "LakeBusy")
    assert by_hand.wait(120) == 0
    assert vendor.alerts == []
