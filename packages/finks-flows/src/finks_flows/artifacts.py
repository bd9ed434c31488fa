"""What a flow run shows in Prefect's window: the progress of the fetching, and the report."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final
from uuid import UUID

from finks.run.events import Event, Observer
from finks.run.report import RunReport, render
from prefect.artifacts import (
    acreate_markdown_artifact,
    acreate_progress_artifact,
    acreate_table_artifact,
    aupdate_progress_artifact,
)

EVERY: Final = 5.0
"""Seconds between two updates of the progress: each is a call to the server."""


class Progress:
    """An observer that keeps one progress artifact up to date.

    It may be told from any thread; the calls to the server are made in the event loop.

    Args:
        loop: The flow's event loop.
        other: Is told every event too.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, other: Observer) -> None:
        self._loop = loop
        self._other = other
        self._seen: dict[str, tuple[int, int]] = {}
        self._told_at = 0.0
        self._artifact: UUID | None = None
        self._updating: asyncio.Future[Any] | None = None

    def __call__(self, event: Event) -> None:
        """Take one event."""
        self._other(event)
        if event.name == "slice.fetched":
            self._loop.call_soon_threadsafe(self._take, event)

    async def end(self) -> None:
        """Bring the artifact up to date, once more."""
        if self._updating is not None:
            await self._updating
        if self._seen:
            await self._update()

    def _take(self, event: Event) -> None:
        self._seen[event.subject] = (event.done, event.total)
        idle = self._updating is None or self._updating.done()
        if idle and time.monotonic() - self._told_at >= EVERY:
            self._told_at = time.monotonic()
            self._updating = asyncio.ensure_future(self._update())

    async def _update(self) -> None:
        done, total = (sum(part) for part in zip(*self._seen.values(), strict=True))
        percent = round(100 * done / max(total, 1), 1)
        if self._artifact is None:
            self._artifact = await acreate_progress_artifact(percent, description="Slices fetched")
        else:
            await aupdate_progress_artifact(self._artifact, percent)


async def show_report(report: RunReport) -> None:
    """The report as artifacts: a table of the streams, and the whole text."""
    columns = ("calls", "read", "new", "changed", "same", "retracted", "rejected", "gaps")
    rows = [
        {"table": name, **{column: getattr(stream, column) for column in columns}}
        for name, stream in report.streams.items()
    ]
    if rows:
        await acreate_table_artifact(rows, key="finks-streams", description=f"Run {report.run_id}, {report.status}")
    await show_text("finks-report", "Run report", render(report))


async def show_text(key: str, description: str, text: str) -> None:
    """A report as it is."""
    await acreate_markdown_artifact(f"```text\n{text}\n```", key=key, description=description)


__all__ = ["Progress", "show_report", "show_text"]
