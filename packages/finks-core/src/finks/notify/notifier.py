"""What a notifier is, and the ones that the settings name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from finks.notify.alert import SEVERITIES, Alert, Severity
from finks.plugins import build


@runtime_checkable
class Notifier(Protocol):
    """What the core requires of a notifier. Subclass `BaseNotifier` to be found by name."""

    def notify(self, alert: Alert) -> None:
        """Send an alert. It is sent when this returns.

        Raises:
            FinksError: It was not sent, after all attempts. The text holds no secret.
        """
        ...


class NotifierConfig(BaseModel):
    """The settings of a notifier; a plugin subclasses it. Unknown settings are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    severity: Severity = Field(default="info", description="The least severity that is sent.")


class BaseNotifier:
    """A notifier that is made from its settings.

    Args:
        config: The validated settings of this notifier.
    """

    Config: ClassVar[type[NotifierConfig]] = NotifierConfig

    def __init__(self, config: NotifierConfig) -> None:
        self.config = config

    def wants(self, alert: Alert) -> bool:
        """Whether the alert is grave enough."""
        return SEVERITIES.index(alert.severity) >= SEVERITIES.index(self.config.severity)

    def notify(self, alert: Alert) -> None:
        """See `Notifier`. A plugin overrides this."""
        raise NotImplementedError

    def secrets(self) -> Iterable[str]:
        """What must appear in no log and no error: every setting that is a `SecretStr`, also within a list."""
        for value in dict(self.config).values():
            for item in value if isinstance(value, tuple) else (value,):
                if isinstance(item, SecretStr):
                    yield item.get_secret_value()


def build_notifiers(
    settings: Mapping[str, Mapping[str, Any]], place: Callable[[str], str] = str
) -> dict[str, BaseNotifier]:
    """The notifiers of `[alerts.notifiers.<name>]`, by name.

    Args:
        settings: The sections, by name.
        place: Says where a setting was read.

    Raises:
        ConfigurationError: A setting is wrong, or no installed plugin has the name.
    """
    return {
        name: build("notifier", BaseNotifier, f"alerts.notifiers.{name}", values, place)
        for name, values in settings.items()
    }
