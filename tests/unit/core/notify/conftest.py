from __future__ import annotations

from datetime import UTC, datetime

import pytest
from finks.lake import Lake
from finks.notify import Alert, BaseNotifier, NotifierConfig

START = datetime(2026, 1, 5, tzinfo=UTC)


def alert(subject: str = "fmp_daily_bars", at: datetime = START, **more) -> Alert:
    given = {
        "kind": "failure", "lake": "lake", "severity": "warning", "reason": "HTTP 503", "advice": "Run it again.",
        "runbook": "docs/runbook.md#failure", "run_id": "r1",
    }  # fmt: skip
    return Alert(**{**given, **more, "subject": subject, "at": at})


class Listed(BaseNotifier):
    """A notifier that hands over to a list."""

    def __init__(self, config: NotifierConfig | None = None) -> None:
        super().__init__(config or NotifierConfig())
        self.sent: list[Alert] = []

    def notify(self, alert: Alert) -> None:
        self.sent.append(alert)

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(one.subject, one.status) for one in self.sent]


@pytest.fixture
def place(tmp_path):
    return Lake.open(tmp_path / "lake", create=True).place
