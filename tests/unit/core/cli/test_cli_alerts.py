"""`finks alerts`, as whoever is on call uses it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from finks.lake import Lake
from finks.notify import AlertSettings
from finks.notify.delivery import Delivery
from finks.run.listeners.alerts import Finding, make_alert
from finks.testing import FaultServer
from finks.testing.replies import json_text


@pytest.fixture
def lake(tmp_path):
    """A lake of which one problem is open."""
    place = Lake.open(tmp_path / "lake", create=True).place
    found = Finding("failure", "fmp_daily_bars", "warning", "3 × HTTP 503", "Later.")
    at = datetime(2026, 1, 5, tzinfo=UTC)
    Delivery(place, AlertSettings(), {}).tell([make_alert(found, place.address, AlertSettings(), at)], at)
    return tmp_path


def test_what_is_open_is_shown_and_can_be_closed(lake, finks_command):
    shown = finks_command("alerts", "show", cwd=lake)
    assert "failure fmp_daily_bars" in shown.stdout
    assert "3 × HTTP 503" in shown.stdout
    assert finks_command("alerts", "close", "fmp_daily_bars", cwd=lake).returncode == 0
    assert "Nothing is open." in finks_command("alerts", "show", cwd=lake).stdout


def test_a_test_reaches_the_notifier_of_the_environment_and_shows_no_secret(tmp_path, finks_command):
    with FaultServer() as server:
        server.route("/T0P-S3CRET", json_text("{}"), json_text("", 403))
        url = {"FINKS_ALERTS__NOTIFIERS__WEBHOOK__URL": f"{server.url}/T0P-S3CRET"}
        sent = finks_command("alerts", "test", cwd=tmp_path, **url)
        refused = finks_command("alerts", "test", cwd=tmp_path, **url)
        assert (sent.returncode, sent.stdout.strip()) == (0, "webhook: sent")
        assert len(server.requests) == 2
    assert (refused.returncode, "HTTP 403" in refused.stdout) == (4, True)
    assert "S3CRET" not in refused.stdout + refused.stderr


def test_a_check_of_a_lake_in_order_says_so(lake, finks_command):
    assert "has ended" in finks_command("alerts", "check", cwd=lake).stdout
