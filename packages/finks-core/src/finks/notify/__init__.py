"""Alerts: what is wrong is told once, to everybody whom the settings name."""

from __future__ import annotations

from finks.notify.alert import Alert, Kind, Severity
from finks.notify.delivery import Delivery, raise_alert, read_book
from finks.notify.notifier import BaseNotifier, Notifier, NotifierConfig, build_notifiers
from finks.notify.settings import AlertSettings

__all__ = [
    "Alert",
    "AlertSettings",
    "BaseNotifier",
    "Delivery",
    "Kind",
    "Notifier",
    "NotifierConfig",
    "Severity",
    "build_notifiers",
    "raise_alert",
    "read_book",
]
