"""Where spans go: a file that a kill leaves readable, an OTLP endpoint, or the host's own provider."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from finks.errors import ConfigurationError
from finks.observe.export import configure_tracing
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

SETUP = """
import os, signal, sys
from pathlib import Path
from finks.observe import run_context, span
from finks.observe.export import configure_tracing
"""


def process(code: str, argument: object) -> int:
    done = subprocess.run([sys.executable, "-c", SETUP + code, str(argument)], check=False, timeout=60)
    return done.returncode


def test_a_killed_process_leaves_every_span_that_had_ended(tmp_path):
    file = tmp_path / "made" / "trace.jsonl"
    code = """
configure_tracing(Path(sys.argv[1]), environment="test")
with run_context("run-1"):
    with span("step", rows=1):
        pass
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert [process(code, file), process(code, file)] == [-9, -9]
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(line["name"], line["attributes"]) for line in lines] == [("step", {"finks.rows": 1})] * 2
    assert lines[0]["resource"]["attributes"]["deployment.environment.name"] == "test"


def test_an_endpoint_gets_the_spans_before_the_process_ends():
    received: list[tuple[str, ExportTraceServiceRequest]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append((self.path, ExportTraceServiceRequest.FromString(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        code = 'configure_tracing(sys.argv[1], environment="test")\nwith run_context("run-1"): pass'
        assert process(code, f"http://127.0.0.1:{server.server_port}/v1/traces") == 0
        server.shutdown()
        thread.join()
    ((path, request),) = received
    assert path == "/v1/traces"
    assert [one.name for one in request.resource_spans[0].scope_spans[0].spans] == ["finks run"]


def test_the_provider_of_a_host_stays(spans, tmp_path):
    before = trace.get_tracer_provider()
    configure_tracing(tmp_path / "trace.jsonl", environment="test")
    assert trace.get_tracer_provider() is before
    assert not (tmp_path / "trace.jsonl").exists()


def test_a_file_that_cannot_be_written_is_refused(tmp_path):
    code = f"""
from finks.errors import {ConfigurationError.__name__}
try:
    configure_tracing(Path(sys.argv[1]), environment="test")
except ConfigurationError:
    sys.exit(2)
"""
    (tmp_path / "file").write_text("")
    assert process(code, tmp_path / "file" / "trace.jsonl") == 2


@pytest.mark.parametrize("extra", ["opentelemetry.sdk", "structlog"])
def test_what_needs_the_extra_says_so(tmp_path, extra):
    code = f"""
sys.modules[{extra!r}] = None
from finks.errors import MissingExtraError
try:
    configure_tracing(Path(sys.argv[1]), environment="test")
    import finks.observe.logs
except MissingExtraError as error:
    sys.exit(0 if "finks-core[observe]" in str(error) else 1)
sys.exit(1)
"""
    assert process(code, tmp_path / "trace.jsonl") == 0
