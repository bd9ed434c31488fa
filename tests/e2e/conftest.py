"""A simulated vendor and a small lake's settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from finks.run.report import RunReport
from finks.run.runner import Runner, RunOptions
from finks.run.sections import GoldSettings, LakeSettings, RunSettings
from finks.run.settings import Settings
from finks.testing.fault_server import FaultServer
from finks_connectors.demo.command import DEMO_KEY, LAST_SESSION, prepare
from finks_connectors.fmp.simulator import SimulatedFmp

SYMBOLS = ["AAPL", "MSFT", "IBM"]


@pytest.fixture
def server() -> Iterator[FaultServer]:
    """A server that answers as it is told."""
    with FaultServer() as running:
        yield running


@pytest.fixture
def vendor() -> Iterator[SimulatedFmp]:
    """A vendor that serves the real prices."""
    with SimulatedFmp(today=LAST_SESSION, keys={DEMO_KEY: "ultimate"}) as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path, vendor: SimulatedFmp) -> Settings:
    """The demo's settings on a lake of this test's own."""
    prepare(tmp_path)
    return Settings(
        lake=LakeSettings(path=tmp_path / "lake"),
        run=RunSettings(logical_date=LAST_SESSION),
        gold=GoldSettings(),
        sources={
            "files": {"root": tmp_path, "transactions": "transactions.csv", "portfolios": "portfolios.csv"},
            "fmp": {
                "root": tmp_path, "base_url": vendor.url, "api_key": DEMO_KEY, "plan": "ultimate",
                "symbols": SYMBOLS, "pairs": ["EURUSD"], "start": date(2000, 3, 1),
            },
        },
    )  # fmt: skip


@pytest.fixture
def run(settings: Settings) -> Callable[..., RunReport]:
    """Run once on that lake; keywords go to `RunOptions`."""

    def once(**options) -> RunReport:
        return Runner(settings, RunOptions(**options)).run()

    return once
