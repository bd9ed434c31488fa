"""A real stack: PostgreSQL, a Prefect server on it, a worker; started by the command that users have."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from finks.errors import ConfigurationError
from finks.testing import replies
from finks.testing.fault_server import FaultServer
from finks_flows.stack.layout import Layout
from finks_flows.stack.postgres import find_binaries
from finks_flows.stack.stack import running

SETTINGS = """
[sources.files]
transactions = "transactions.csv"
portfolios = "portfolios.csv"
"""
GOLD = "\n[gold]\nenabled = false\n"
# No check of the alerts at the full hour, in the middle of a test that counts alerts.
FLOWS = '\n[flows]\nlimits = { lake = 1 }\ncheck_alerts = ""\n'
FINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


@dataclass(frozen=True)
class Prefect:
    """The running stack, the project that is deployed to it, and a client of its API."""

    directory: Path
    project: Path
    port: int
    finks: Callable[..., subprocess.CompletedProcess[str]]

    def flows(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.finks(*arguments, "--directory", str(self.directory), cwd=self.project, **environment)

    def up(self, **environment: str) -> None:
        done = self.flows("flows", "up", "--auth", "--port", str(self.port), **environment)
        assert done.returncode == 0, done.stderr

    def deploy(self, *arguments: str, settings: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        own = [text for text in (GOLD, FLOWS) if text.split()[0] not in settings]
        (self.project / "finks.toml").write_text("".join((SETTINGS, settings, *own)))
        return self.flows("deploy", *arguments, **environment)

    def deployed(self, settings: str = "", **environment: str) -> None:
        done = self.deploy(settings=settings, **environment)
        assert done.returncode == 0, done.stderr

    @property
    def status(self) -> dict:
        return json.loads(self.flows("flows", "status", "--json").stdout)

    @property
    def parts(self) -> dict[str, int | None]:
        return running(Layout(self.directory))

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    def call(self, method: str, path: str, body: object = None):
        password = (self.directory / "api.secret").read_text().strip()
        answer = httpx.request(
            method, self.address + path, json=body, auth=("finks", password), timeout=60, trust_env=False
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def deployment(self) -> dict:
        return self.call("GET", "/deployments/name/nightly/finks")

    def start(self, flow: str = "nightly", **parameters: object) -> str:
        """Start a run by hand; its id."""
        deployment = self.call("GET", f"/deployments/name/{flow}/finks")["id"]
        return self.call("POST", f"/deployments/{deployment}/create_flow_run", {"parameters": parameters})["id"]

    def ended(self, run: str) -> dict:
        """The state in which a run ended."""

        def state():
            found = self.call("GET", f"/flow_runs/{run}")["state"]
            return found if found["type"] in FINAL else None

        return self.wait_for(state, 300)

    def run_once(self, flow: str = "nightly", **parameters: object) -> dict:
        return self.ended(self.start(flow, **parameters))

    def everything(self) -> dict[str, dict[str, tuple]]:
        """By kind and name: the id, the moment of the last change, the definition."""
        kinds = {
            "pool": self.call("POST", "/work_pools/filter", {}),
            "limit": self.call("POST", "/v2/concurrency_limits/filter", {}),
            "variable": self.call("POST", "/variables/filter", {}),
            "block": self.call("POST", "/block_documents/filter", {}),
            "deployment": self.call("POST", "/deployments/filter", {}),
            "automation": self.call("POST", "/automations/filter", {}),
        }
        living = {"pool": ("status",), "deployment": ("status", "last_polled")}
        return {
            kind: {
                each["name"] + str(each.get("flow_id", "")): (
                    each["id"],
                    # A pool is touched by the worker that asks it for work.
                    kind == "pool" or each["updated"],
                    ordered({n: v for n, v in each.items() if n != "updated" and n not in living.get(kind, ())}),
                )
                for each in found
            }
            for kind, found in kinds.items()
        }

    def wait_for(self, found: Callable[[], object], seconds: float = 180):
        deadline = time.monotonic() + seconds
        while not (result := found()):
            assert time.monotonic() < deadline, "it did not come"
            time.sleep(0.5)
        return result


SYMBOLS = tuple("ABCDEFGHIJ")


class Vendor:
    """The sample connector's vendor and the receiver of alerts, on one server."""

    def __init__(self, server: FaultServer) -> None:
        self.url = server.url
        self.symbols = SYMBOLS
        self.broken: set[str] = set()
        self.crossed: set[str] = set()
        self.asks: dict[str, int] = {}
        self.asked = threading.Event()
        self.free = threading.Event()
        self.free.set()
        self.alerts: list[dict] = []
        server.handle("/quotes", self._quote)
        server.handle("/alerts", self._take)

    @property
    def settings(self) -> str:
        """The sample connector as the source, and alerts told here."""
        return f"""
[sources.sample]
base_url = "{self.url}"
symbols = {json.dumps(self.symbols)}
attempts = 1

[alerts.notifiers.webhook]
url = "{self.url}/alerts"
"""

    def _quote(self, request) -> replies.Reply:
        symbol = request.params["symbol"]
        self.asked.set()
        if symbol in self.broken:
            return replies.json_text("{}", 500)
        bid, ask = (3, 2) if symbol in self.crossed else (1, self.asks.get(symbol, 2))
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


def ordered(value):
    """The same with every list of texts sorted: to Prefect those of a trigger are sets."""
    if isinstance(value, dict):
        return {name: ordered(each) for name, each in value.items()}
    if isinstance(value, list):
        return sorted(value) if all(isinstance(each, str) for each in value) else [ordered(each) for each in value]
    return value


@pytest.fixture(scope="session")
def _running_prefect(tmp_path_factory, finks_command) -> Iterator[Prefect]:
    try:
        find_binaries()
    except ConfigurationError as absent:
        pytest.skip(f"{absent.message} {absent.hint}")
    # PostgreSQL, which for root runs under another account, has to reach its data: pytest's own directory is closed.
    directory = Path(tempfile.mkdtemp(prefix="finks-flows-"))
    directory.chmod(0o711)
    project = tmp_path_factory.mktemp("flows-project")
    (project / "finks.toml").write_text(SETTINGS + GOLD + FLOWS)
    (project / "portfolios.csv").write_text("portfolio_id,name,base_currency\nP1,One,USD\n")
    header = "portfolio_id,transaction_id,trade_date,kind,symbol,quantity,price,amount,currency,fee,note\n"
    for name in ("transactions", "other"):
        (project / f"{name}.csv").write_text(f"{header}P1,{name},2024-01-02,deposit,,,,1000,USD,,\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    prefect = Prefect(directory / "stack", project, port, finks_command)
    try:
        prefect.up()
        yield prefect
    finally:
        prefect.flows("flows", "down")
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def gold_project(_running_prefect: Prefect, repository: Path) -> Path:
    """The dbt project of finks with one small mart in place of its own, so that a build takes seconds."""
    folder = _running_prefect.project / "gold"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(repository / "dbt", folder, ignore=shutil.ignore_patterns("models", "target", "logs"))
    shutil.copytree(Path(__file__).parent / "gold_models", folder / "models")
    return folder


@pytest.fixture
def stack(_running_prefect: Prefect) -> Prefect:
    """The stack, with every part running."""
    if not all(_running_prefect.parts.values()):
        _running_prefect.up()
    return _running_prefect


@pytest.fixture
def prefect(stack: Prefect) -> Prefect:
    """The stack with nothing but the project's own settings deployed."""
    stack.deployed()
    return stack
