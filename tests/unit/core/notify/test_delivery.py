from __future__ import annotations

import logging
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from finks.errors import NotificationError
from finks.lake.local_place import LocalPlace
from finks.notify import Alert, AlertSettings, BaseNotifier, Delivery, NotifierConfig, read_book
from finks.notify.book import FILE
from pydantic import SecretStr

from .conftest import START, Listed, alert

SETTINGS = AlertSettings()


class Away(BaseNotifier):
    """A notifier whose receiver cannot be reached, and that says too much about it."""

    def notify(self, alert: Alert) -> None:
        logging.getLogger("away").warning("no answer from https://hooks.example/T0P-S3CRET-T0KEN")
        raise NotificationError("no answer from https://hooks.example/T0P-S3CRET-T0KEN")

    def secrets(self):
        return ["T0P-S3CRET-T0KEN"]


class Broken(BaseNotifier):
    def notify(self, alert: Alert) -> None:
        raise KeyError("T0P-S3CRET-T0KEN")


def test_the_same_alert_of_two_processes_is_sent_once(place):
    first, second = Listed(), Listed()
    Delivery(place, SETTINGS, {"listed": first}).tell([alert()], START)
    Delivery(LocalPlace(Path(place.address)), SETTINGS, {"listed": second}).tell([alert()], START + timedelta(hours=1))
    assert (first.told, second.told) == ([("fmp_daily_bars", "open")], [])


def test_what_is_over_is_told_once_and_then_forgotten(place):
    listed = Listed()
    delivery = Delivery(place, SETTINGS, {"listed": listed})
    delivery.tell([alert()], START)
    for hours in (1, 2):
        delivery.tell([], START + timedelta(hours=hours), over=lambda one: True)
    assert listed.told == [("fmp_daily_bars", "open"), ("fmp_daily_bars", "resolved")]
    assert read_book(place).entries == {}


@pytest.mark.parametrize("other", [Away, Broken])
def test_one_that_fails_does_not_stop_the_others_and_is_named_without_its_secret(place, other, caplog):
    listed = Listed()
    with pytest.raises(NotificationError) as failure:
        Delivery(place, SETTINGS, {"other": other(NotifierConfig()), "listed": listed}).tell([alert()], START)
    assert listed.told == [("fmp_daily_bars", "open")]
    assert "other: " in str(failure.value)
    assert "S3CRET" not in str(failure.value) + caplog.text


def test_whoever_could_not_be_told_is_told_by_the_next_run(place):
    with pytest.raises(NotificationError):
        Delivery(place, SETTINGS, {"hook": Away(NotifierConfig())}).tell([alert()], START)
    back = Listed()
    Delivery(place, SETTINGS, {"hook": back}).tell([], START + timedelta(hours=1))
    assert back.told == [("fmp_daily_bars", "open")]


def test_an_alert_below_the_notifiers_severity_is_not_sent(place):
    pager = Listed(NotifierConfig(severity="critical"))
    found = [alert("a"), alert("b", severity="critical")]
    Delivery(place, SETTINGS, {"pager": pager}).tell(found, START)
    assert pager.told == [("b", "open")]


def test_a_lake_that_cannot_be_read_is_no_reason_to_keep_silent(place):
    place.keep(FILE, "{")
    listed = Listed()
    with pytest.raises(NotificationError, match="cannot be read"):
        Delivery(place, SETTINGS, {"listed": listed}).tell([alert()], START)
    assert listed.told == [("fmp_daily_bars", "open")]
    assert place.kept(FILE) == "{"


def test_nothing_is_written_where_there_is_no_lake(tmp_path):
    listed = Listed()
    empty = LocalPlace(tmp_path / "none")
    Delivery(empty, SETTINGS, {"listed": listed}).tell([alert()], START)
    assert listed.told == [("fmp_daily_bars", "open")]
    assert empty.is_free()


def test_a_secret_of_the_settings_is_known_to_the_redactor():
    class Config(NotifierConfig):
        token: SecretStr
        tokens: tuple[SecretStr, ...]

    config = Config(token=SecretStr("one"), tokens=(SecretStr("two"),))
    assert set(BaseNotifier(config).secrets()) == {"one", "two"}


DIES = """
import os, signal
from datetime import UTC, datetime
from pathlib import Path
from finks.lake.local_place import LocalPlace
from finks.notify import *

class Dies(BaseNotifier):
    def notify(self, alert):
        Path("sent").write_text(alert.subject)
        os.kill(os.getpid(), signal.SIGKILL)

at = datetime(2026, 1, 5, tzinfo=UTC)
found = Alert(kind="failure", lake="lake", subject="gold", severity="critical", reason="", advice="", runbook="", at=at)
Delivery(LocalPlace(Path("lake")), AlertSettings(), {"it": Dies(NotifierConfig())}).tell([found], at)
"""


@pytest.mark.slow
def test_killed_while_it_sends_the_next_process_sends_again_and_then_no_more(place, tmp_path):
    died = subprocess.run([sys.executable, "-c", DIES], cwd=tmp_path, timeout=120)
    assert (died.returncode, (tmp_path / "sent").read_text()) == (-signal.SIGKILL, "gold")
    listed = Listed()
    for hours in (1, 2):
        Delivery(place, SETTINGS, {"it": listed}).tell([], START + timedelta(hours=hours))
    assert listed.told == [("gold", "open")]
