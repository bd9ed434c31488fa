from __future__ import annotations

import json

import pytest
from finks.errors import ConfigurationError
from finks.notify import build_notifiers
from finks.testing import FaultServer
from finks.testing.replies import json_text

from .conftest import alert

# Apprise 1 looks for a module that Python 3.13 no longer has.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")


def test_every_address_gets_the_alert_and_only_the_one_that_failed_is_tried_again():
    with FaultServer() as server:
        server.route("/one", json_text("{}"))
        server.route("/two", json_text("", 500), json_text("{}"))
        host = server.url.removeprefix("http://")
        built = build_notifiers({"apprise": {"urls": [f"json://{host}/one", f"json://{host}/two"]}})
        built["apprise"].notify(alert(severity="critical"))
        assert sorted(request.path for request in server.requests) == ["/one", "/two", "/two"]
        body = json.loads(server.requests[-1].body)
    assert (body["title"], body["type"]) == ("finks: fmp_daily_bars failed", "failure")


def test_an_unknown_address_is_refused_by_its_number_alone():
    with pytest.raises(ConfigurationError, match="number 2") as failure:
        build_notifiers({"apprise": {"urls": ["json://localhost", "nope://S3CRET"]}})
    assert "S3CRET" not in str(failure.value)
