"""The section `[alerts]` of the settings."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class AlertSettings(BaseModel):
    """Who is told what is wrong, and how often."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    notifiers: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="One table per notifier plugin, for example [alerts.notifiers.webhook]."
    )
    repeat_after: float = Field(
        default=24, gt=0, description="Hours after which an alert that a run finds again is sent again."
    )
    resolved: bool = Field(default=True, description="Whether the end of a problem is told too.")
    freshness: int = Field(
        default=2, ge=0, description="Sessions that the newest record of a stream may lie behind the logical date."
    )
    runbook: str = Field(default="docs/runbook.md", description="The address of the runbook that alerts link to.")
    run_link: str | None = Field(
        default=None, description="The address at which a run can be looked at; {run_id} stands for the run's id."
    )

    @property
    def pause(self) -> timedelta:
        """The least time between two sendings of the same alert."""
        return timedelta(hours=self.repeat_after)

    def link(self, run_id: str | None) -> str | None:
        """Where a run can be looked at."""
        return self.run_link.replace("{run_id}", run_id) if self.run_link and run_id else None
