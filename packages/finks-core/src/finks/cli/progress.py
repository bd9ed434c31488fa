"""A run's events as progress bars on a terminal, and as sparse lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from finks.run.events import Event, Observer, ignore

STAGES = {
    "bronze.committed": "Bronze",
    "silver.committed": "Silver",
    "dbt.started": "dbt build (models and tests)",
    "dbt.finished": "dbt finished",
    "gold.published": "Gold release",
}
COUNTED = {"slice.fetched": "", "backup.copied": "backing up", "restore.copied": "restoring"}
"""Events that count, and what the bar says; of fetching each stream has one of its own."""


@contextmanager
def progress(console: Console, quiet: bool) -> Iterator[Observer]:
    """Yield the observer that shows a run on `console`; nothing when quiet."""
    if quiet:
        yield ignore
    elif not console.is_terminal:
        yield _lines(console)
    else:
        with Progress(
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            console=console, transient=True,
        ) as bars:  # fmt: skip
            yield _bars(bars)


def _lines(console: Console) -> Observer:
    def observe(event: Event) -> None:
        if event.name in STAGES:
            console.print(f"{STAGES[event.name]}: {event.subject}", highlight=False)

    return observe


def _bars(bars: Progress) -> Observer:
    counted: dict[str, TaskID] = {}
    stage = bars.add_task("…", total=None)

    def observe(event: Event) -> None:
        if event.name in COUNTED:
            what = COUNTED[event.name] or f"fetching {event.subject}"
            if what not in counted:
                counted[what] = bars.add_task(what)
            bars.update(counted[what], completed=event.done, total=event.total)
        elif event.name in STAGES:
            bars.update(stage, description=f"{STAGES[event.name]} {event.subject}")

    return observe
