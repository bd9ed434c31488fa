"""Telling it: the book is read and written in the lake, and the notifiers are called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import ValidationError

from finks.errors import ConfigurationError, FinksError, InvariantError, NotificationError, RetryableError
from finks.lake.aws_errors import told
from finks.lake.place import Place
from finks.notify.alert import Alert
from finks.notify.book import FILE, Book, close, due, forget, mark, note
from finks.notify.notifier import BaseNotifier, build_notifiers
from finks.notify.settings import AlertSettings
from finks.redact import Redactor


def nothing(alert: Alert) -> bool:
    """Whether a problem has ended: none has."""
    return False


@dataclass(slots=True)
class Delivery:
    """Tells the notifiers of one lake's problems.

    Args:
        place: Where the lake is, and the book.
        settings: Who is told, and how often.
        notifiers: The same, made.
    """

    place: Place
    settings: AlertSettings
    notifiers: Mapping[str, BaseNotifier]
    _failures: list[str] = field(default_factory=list[str])

    def tell(
        self,
        found: Iterable[Alert],
        now: datetime,
        *,
        over: Callable[[Alert], bool] = nothing,
        ended: str | None = None,
    ) -> None:
        """Tell what is found and what is over, and write both in the book.

        A lake that cannot be reached has no book: then everything that is found is sent.

        Args:
            found: What is wrong.
            now: The time, aware, in UTC.
            over: Whether an open problem that was not found has ended.
            ended: The run whose end this is.

        Raises:
            NotificationError: A notifier failed, or the book was not read or written. The others were told.
        """
        before = self._reading()
        found = list(found)
        keys = {alert.key for alert in found}
        book = note(before or Book(), found)
        book = close(book, lambda alert: alert.key not in keys and over(alert), now, tell=self.settings.resolved)
        if ended is not None:
            book = book.model_copy(update={"ended": ended})
        if before is not None and book != before:
            self._keep(book)
        sent = forget(mark(book, self._send(book, keys, now), now), self.notifiers)
        if before is not None and sent != book:
            self._keep(sent)
        if self._failures:
            raise NotificationError(
                "Not every alert was sent, or not recorded.",
                where="[alerts]",
                got="; ".join(self._failures),
                hint="Correct it and look: finks alerts test. The next run sends what is still to be told.",
            )

    def _send(self, book: Book, again: set[str], now: datetime) -> dict[str, list[str]]:
        """Who was told, by key."""
        done: dict[str, list[str]] = {}
        for name, notifier in self.notifiers.items():
            for key, entry in book.entries.items():
                if not due(entry, name, again=key in again, now=now, pause=self.settings.pause):
                    continue
                failure = send(notifier, entry.alert) if notifier.wants(entry.alert) else None
                if failure is None:
                    done.setdefault(key, []).append(name)
                    continue
                self._failures.append(f"{name}: {failure}")
                if isinstance(failure, RetryableError):
                    # Whoever cannot be reached cannot be reached for the next alert either.
                    break
        return done

    def _reading(self) -> Book | None:
        """The book; None when it cannot be read, so that it is not written over either."""
        try:
            # Nothing is written where no lake is: it would keep one from being made there.
            return None if self.place.is_free() else read_book(self.place)
        except (FinksError, OSError) as error:
            self._failures.append(str(error))
            return None

    def _keep(self, book: Book) -> None:
        try:
            with told():
                self.place.keep(FILE, book.model_dump_json(indent=2))
        except (FinksError, OSError) as error:
            self._failures.append(f"{FILE} was not written: {error}")


def send(notifier: BaseNotifier, alert: Alert) -> FinksError | None:
    """Send an alert; the reason if it was not sent. Secrets stay out of logs and out of that reason."""
    redactor = Redactor(notifier.secrets())
    try:
        with redactor.guarding_logs(), told():
            notifier.notify(alert)
    except RetryableError as error:
        return NotificationError(redactor.redact(str(error)))
    except FinksError as error:
        return ConfigurationError(redactor.redact(str(error)))
    except Exception as error:
        # A plugin's defect must not keep the others from being told; its text may hold anything.
        return InvariantError(f"a defect of the notifier: {type(error).__name__}")
    return None


def read_book(place: Place) -> Book:
    """The book of a lake; an empty one where none was written yet.

    Raises:
        ConfigurationError: It is damaged, or a newer finks wrote it.
    """
    text = place.kept(FILE)
    try:
        return Book() if text is None else Book.model_validate_json(text)
    except ValidationError:
        raise ConfigurationError(
            "The list of open alerts cannot be read.",
            where=f"{place.address}/{FILE}",
            expected="what this version of finks writes",
            hint="Remove the file; what is still wrong is told again.",
        ) from None


def raise_alert(place: Place, settings: AlertSettings, alert: Alert) -> None:
    """Tell one alert, outside a run.

    Raises:
        NotificationError: A notifier failed, or the book was not read or written. The others were told.
        ConfigurationError: The settings of a notifier are wrong.
    """
    Delivery(place, settings, build_notifiers(settings.notifiers)).tell([alert], alert.at)
