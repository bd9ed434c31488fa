"""Fixtures that every test may use."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from finks.lake import Lake
    from finks_local.stack import Stack
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

ROOT = Path(__file__).resolve().parents[1]
# How fast an example runs says something of the machine, nothing of the code.
settings.register_profile("finks", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("finks")

Finks = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def recorded() -> Path:
    """The vendor's recorded responses; the test is skipped where they are absent."""
    folder = Path(os.environ.get("FINKS_SHARED", ROOT.parent / "shared")) / "fmp"
    if not folder.is_dir():
        pytest.skip("recorded FMP responses are absent (FINKS_SHARED)")
    return folder


@pytest.fixture(scope="session")
def finks_command() -> Finks:
    """Run the `finks` command in a directory."""

    def command(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(Path(sys.executable).with_name("finks")), *arguments],
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            env={**os.environ, "COLUMNS": "200", **environment},
        )

    return command


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, finks_command: Finks):
    """The directory in which `finks demo` ran twice, and the two finished processes."""
    folder = tmp_path_factory.mktemp("demo")
    return folder, finks_command("demo", cwd=folder), finks_command("demo", cwd=folder)


@pytest.fixture(scope="session")
def _recorder() -> InMemorySpanExporter:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    recorder = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(recorder))
    # A process has one provider, so all of its tests share it, as they would in a host application.
    trace.set_tracer_provider(provider)
    return recorder


@pytest.fixture
def spans(_recorder: InMemorySpanExporter) -> InMemorySpanExporter:
    """The process's own tracer provider; `get_finished_spans()` has what ended since the test began."""
    _recorder.clear()
    return _recorder


@pytest.fixture(scope="session")
def _running_aws() -> Iterator[Stack]:
    from finks_local.stack import Stack  # only a test that needs it pays for it

    with Stack.start() as stack:
        yield stack


@pytest.fixture(scope="module")
def local_aws(_running_aws: Stack) -> Stack:
    """The local AWS, empty when a module's first test asks for it. `local_aws.environment` points clients to it."""
    _running_aws.reset()
    return _running_aws


@pytest.fixture
def aws_environment(local_aws: Stack, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """The local AWS, and this process's environment set so that every AWS client finds it."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in local_aws.environment.items():
        monkeypatch.setenv(name, value)
    return local_aws


HOLD = """
import sys, time
from finks.lake import Lake
from finks.lake.place import place_of
with Lake.open(place_of(sys.argv[1], lease_seconds=2)).hold(run_id="run-7", command="finks run"):
    print("held", flush=True)
    time.sleep(120)
"""


@pytest.fixture
def holding_run(lake: Lake) -> Iterator[subprocess.Popen[str]]:
    """`run-7` in another process, which holds the lake: on AWS, for two seconds after its last renewal."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, lake.place.address], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()
