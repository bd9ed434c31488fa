"""Alerts to whatever Apprise knows: Slack, Teams, PagerDuty, Opsgenie and many more, each by an address of its own."""

from __future__ import annotations

from typing import ClassVar, Final

from pydantic import Field, SecretStr

from finks.errors import ConfigurationError, MissingExtraError, NotificationError
from finks.notify.again import again
from finks.notify.alert import Alert, Severity
from finks.notify.notifier import BaseNotifier, NotifierConfig

TYPES: Final[dict[Severity, str]] = {"info": "info", "warning": "warning", "critical": "failure"}
"""What Apprise calls a severity."""


class AppriseConfig(NotifierConfig):
    """The settings of `[alerts.notifiers.apprise]`."""

    urls: tuple[SecretStr, ...] = Field(
        min_length=1, description="Apprise addresses, for example slack://…; most hold a secret."
    )


class Apprise(BaseNotifier):
    """Sends each alert to every address.

    Raises:
        MissingExtraError: Apprise is not installed.
        ConfigurationError: Apprise does not know an address.
    """

    Config: ClassVar[type[NotifierConfig]] = AppriseConfig
    config: AppriseConfig

    def __init__(self, config: AppriseConfig) -> None:
        super().__init__(config)
        try:
            import apprise
        except ImportError as error:
            raise MissingExtraError("Apprise is not installed.", hint="pip install 'finks-core[apprise]'") from error
        self._targets = [apprise.Apprise() for _ in config.urls]
        for number, (target, url) in enumerate(zip(self._targets, config.urls, strict=True), start=1):
            if not target.add(url.get_secret_value()):
                raise ConfigurationError(
                    "Apprise does not know an address.",
                    where=f"alerts.notifiers.apprise.urls, number {number}",
                    expected="an address as in Apprise's list of services",
                )

    def notify(self, alert: Alert) -> None:
        """See `Notifier`."""
        waiting = dict(enumerate(self._targets, start=1))
        kind = "success" if alert.status == "resolved" else TYPES[alert.severity]

        def attempt() -> None:
            for number, target in list(waiting.items()):
                if target.notify(title=alert.title, body=alert.text, notify_type=kind):
                    del waiting[number]
            if waiting:
                numbers = ", ".join(map(str, waiting))
                raise NotificationError(
                    "A service did not take the alert.", where=f"alerts.notifiers.apprise.urls, number {numbers}"
                )

        again(attempt)
