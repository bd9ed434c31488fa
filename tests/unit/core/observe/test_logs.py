"""Lines of JSON: every record is one, names its run and its span, and holds no secret."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys

import pytest
from finks.observe import run_context, span, traceparent
from finks.observe.logs import JsonLines
from finks.redact import Redactor

CANARY = "canary+key/0123456789"


@pytest.fixture
def log():
    """A logger of somebody else's, and what it wrote."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("botocore.test")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield logger, lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logger.removeHandler(handler)


def test_a_record_of_any_logger_is_one_line_of_json(log):
    logger, written = log
    logger.warning("found %d of\n%s", 3, "five", extra={"table": "bronze.a", "rows": 7})
    (line,) = written()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "found 3 of\nfive", "level": "warning", "logger": "botocore.test", "table": "bronze.a", "rows": 7,
    }  # fmt: skip


def test_a_record_names_its_run_and_its_span(log, spans):
    logger, written = log
    with run_context("run-1"), span("step"):
        logger.info("here")
        place = traceparent()
    logger.info("outside")
    inside, outside = written()
    assert f"00-{inside['trace_id']}-{inside['span_id']}-01" == place
    assert inside["run_id"] == "run-1"
    assert not {"run_id", "trace_id", "span_id"} & outside.keys()


class Opaque:
    """Something that JSON has no form for."""

    def __repr__(self) -> str:
        return f"<session of {CANARY}>"


@pytest.mark.parametrize(
    "say",
    [
        lambda log: log.info("GET /?apikey=%s", CANARY),
        lambda log: log.info("%s", Opaque()),
        lambda log: log.info("nested", extra={"request": {"headers": [("apikey", CANARY)], CANARY: Opaque()}}),
        lambda log: log.info("stack", stack_info=True, extra={"said": f"canary {CANARY}"}),
    ],
)
def test_no_secret_comes_out_of_a_record(log, say):
    logger, written = log
    with Redactor([CANARY]).guarding_logs():
        say(logger)
    (line,) = written()
    assert "redacted" in json.dumps(line)
    assert CANARY not in json.dumps(line)


def test_no_secret_comes_out_of_an_exception(log):
    logger, written = log
    with Redactor([CANARY]).guarding_logs():
        try:
            raise ValueError(CANARY)
        except ValueError:
            logger.exception("failed")
    (line,) = written()
    assert "ValueError: [redacted]" in line["exception"]
    assert CANARY not in json.dumps(line)


def test_a_process_that_logs_json_writes_nothing_else():
    code = """
import logging, warnings
from finks.observe.logs import configure_logs
configure_logs()
logging.getLogger("any").info("one")
logging.getLogger("httpx").info("HTTP Request: GET http://x/?key=...")
warnings.warn("two")
"""
    written = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr
    assert ["one" in line["event"] or "two" in line["event"] for line in map(json.loads, written.splitlines())] == [
        True,
        True,
    ]
