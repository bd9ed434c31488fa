"""What makes a worker that runs another one than the one that is wanted."""

from __future__ import annotations

import pytest
from finks_flows.stack import prefect
from finks_flows.stack.layout import Choices, Layout


@pytest.mark.parametrize(
    ("name", "another"), [("FINKS_RUN__CONCURRENCY", True), ("AWS_ENDPOINT_URL", True), ("EDITOR", False)]
)
def test_settings_and_aws_make_another_worker_and_the_rest_does_not(tmp_path, monkeypatch, name, another):
    layout = Layout(tmp_path)
    monkeypatch.delenv(name, raising=False)
    before = prefect.worker(layout, Choices(1, 2), "finks")
    monkeypatch.setenv(name, "http://127.0.0.1:1")
    after = prefect.worker(layout, Choices(1, 2), "finks")
    assert (before.fingerprint != after.fingerprint) is another
    assert after.environment[name] == "http://127.0.0.1:1"
