"""What is open: which problems were found, and who was told of each when. Pure.

The book survives processes as `alerts/open.json` in the lake. A change is written before anything is sent, and again
when it was sent: a process that dies in between sends again, and never keeps silent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from finks.notify.alert import Alert

FILE: Final = "alerts/open.json"


class Entry(BaseModel):
    """One problem from its first finding until everybody knows that it is over.

    Attributes:
        alert: As it was found last.
        since: When it was found first.
        told: By notifier: when it was told last, of the present status.
    """

    model_config = ConfigDict(frozen=True)

    alert: Alert
    since: AwareDatetime
    told: dict[str, AwareDatetime] = {}


class Book(BaseModel):
    """All open problems of a lake, by key.

    Attributes:
        ended: The last run whose end is in this book.
    """

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    ended: str | None = None
    entries: dict[str, Entry] = {}


def note(book: Book, found: Iterable[Alert]) -> Book:
    """The book after these alerts were found. One that was over begins anew."""
    entries = dict(book.entries)
    for alert in found:
        before = entries.get(alert.key)
        if before is None or before.alert.status == "resolved":
            entries[alert.key] = Entry(alert=alert, since=alert.at)
        else:
            entries[alert.key] = before.model_copy(update={"alert": alert})
    return book.model_copy(update={"entries": entries})


def close(book: Book, over: Callable[[Alert], bool], at: datetime, *, tell: bool) -> Book:
    """The book after some of its open problems ended.

    Args:
        over: Whether a problem has ended.
        at: When that was found.
        tell: Whether its end is told to those who know of the problem. Whoever was never told of it is told in any
            case: a problem that ended before it could be told is not kept silent.
    """
    entries = dict(book.entries)
    for key, entry in book.entries.items():
        if entry.alert.status == "open" and over(entry.alert):
            alert = entry.alert.model_copy(update={"status": "resolved", "at": at})
            entries[key] = Entry(alert=alert, since=entry.since, told={} if tell else entry.told)
    return book.model_copy(update={"entries": entries})


def due(entry: Entry, notifier: str, *, again: bool, now: datetime, pause: timedelta) -> bool:
    """Whether a notifier has to be told.

    Args:
        again: Whether the problem was found just now; otherwise nothing that was told is repeated.
        pause: The least time between two sendings of the same alert.
    """
    last = entry.told.get(notifier)
    return last is None or (again and entry.alert.status == "open" and now - last >= pause)


def mark(book: Book, told: Mapping[str, Iterable[str]], now: datetime) -> Book:
    """The book after notifiers were told: by key, which ones."""
    entries = dict(book.entries)
    for key, notifiers in told.items():
        entry = entries[key]
        entries[key] = entry.model_copy(update={"told": {**entry.told, **dict.fromkeys(notifiers, now)}})
    return book.model_copy(update={"entries": entries})


def forget(book: Book, notifiers: Iterable[str]) -> Book:
    """The book without the problems whose end all of these notifiers know."""
    names = set(notifiers)
    kept = {
        key: entry
        for key, entry in book.entries.items()
        if entry.alert.status == "open" or not names <= entry.told.keys()
    }
    return book.model_copy(update={"entries": kept})
