"""Keeping secrets out of everything that is written: logs, errors, tables, files."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, quote_plus, urlencode, urlsplit, urlunsplit

if TYPE_CHECKING:
    from finks.source.model import Request

MASK = "[redacted]"

MIN_LENGTH = 8
"""A shorter secret is not searched for in texts: `demo`, a vendor's trial key, would blot out `democracy`."""

SECRET_PARAMETERS = frozenset(
    {"access_token", "api-key", "api_key", "apikey", "client_secret", "key", "password", "secret", "token"}
)

_SCHEMES = ("Bearer ", "Basic ", "Token ")
_PARAMETER = re.compile(rf"([?&](?:{'|'.join(sorted(SECRET_PARAMETERS))})=)[^&\s#\"'<>]+", re.IGNORECASE)
_USER_INFO = re.compile(r"(://)[^/\s?#@]+@")


class Redactor:
    """Replaces secret values, and parameters with a secret's name, by `[redacted]`.

    Args:
        secrets: The values to hide. Of `Bearer abc` the token alone is hidden as well.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: tuple[str, ...] = ()
        self._byte_forms: tuple[bytes, ...] = ()
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """Hide these values too."""
        forms = set(self._forms)
        for secret in secrets:
            forms.update(_forms(secret))
        # The longest first: one secret may hold another.
        self._forms = tuple(sorted(forms, key=lambda form: (-len(form), form)))
        self._byte_forms = tuple(form.encode() for form in self._forms)

    def redact(self, text: str) -> str:
        """A text without secrets."""
        for form in self._forms:
            text = text.replace(form, MASK)
        if "=" in text:
            text = _PARAMETER.sub(rf"\1{MASK}", text)
        return _USER_INFO.sub(rf"\1{MASK}@", text) if "@" in text else text

    def redact_bytes(self, body: bytes) -> bytes:
        """A body without secret values: byte for byte the same where it holds none."""
        for form in self._byte_forms:
            if form in body:
                body = body.replace(form, MASK.encode())
        return body

    def describe(self, request: Request) -> str:
        """A request as one line for the ledger: the method, the address and its sorted parameters."""
        parts = urlsplit(request.url)
        pairs = parse_qsl(parts.query, keep_blank_values=True) + list(request.params.items())
        shown = [(name, MASK if name.lower() in SECRET_PARAMETERS else value) for name, value in sorted(pairs)]
        query = urlencode(shown, safe="[]:,/^")
        return self.redact(f"{request.method} {urlunsplit(parts._replace(query=query, fragment=''))}")

    @contextmanager
    def guarding_logs(self) -> Generator[None, None, None]:
        """Keep the secrets out of every log record of the process, whichever logger makes it, and of `hidden`."""
        _Guard.enter(self)
        try:
            yield
        finally:
            _Guard.leave(self)


class RedactingFilter(logging.Filter):
    """Cleans a record's message, arguments, traceback and extra fields. Put it on a handler.

    A filter on a logger does not see the records of the loggers below it; a handler's does.
    """

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        """Clean the record; it is never dropped."""
        redact = self._redactor.redact
        record.msg, record.args = redact(_message(record)), None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            # A handler that renders the exception itself would show the original, so it gets the text only.
            record.exc_text, record.exc_info = redact(record.exc_text), None
        if record.stack_info:
            record.stack_info = redact(record.stack_info)
        for name, value in record.__dict__.items():
            if name not in _STANDARD and isinstance(value, str):
                record.__dict__[name] = redact(value)
        return True


_STANDARD = frozenset(logging.makeLogRecord({}).__dict__)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:
        # As in the standard library, a wrong log call must not break the program that makes it.
        return f"{record.msg} {record.args!r}"


EVERYWHERE = Redactor()
"""Hides what no part of this process may ever show: the secrets of the settings that were read."""


def hide_secrets(values: Mapping[str, Any]) -> None:
    """Hide what is secret in these settings, by its name, from now on and everywhere."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            hide_secrets(value)
        elif isinstance(value, str) and any(word in name.lower() for word in SECRET_PARAMETERS):
            EVERYWHERE.add([value])


def hidden(text: str) -> str:
    """A text without any secret that this process knows: those of `EVERYWHERE` and of each `guarding_logs` at work."""
    for redactor in (EVERYWHERE, *_Guard.active):
        text = redactor.redact(text)
    return text


class _Guard:
    """The process-wide record factory that cleans with every redactor at work, in any thread."""

    lock = threading.Lock()
    active: tuple[Redactor, ...] = ()
    before: Callable[..., logging.LogRecord] = logging.LogRecord

    @classmethod
    def enter(cls, redactor: Redactor) -> None:
        with cls.lock:
            if not cls.active:
                cls.before = logging.getLogRecordFactory()
                logging.setLogRecordFactory(cls.make)
            cls.active = (*cls.active, redactor)

    @classmethod
    def leave(cls, redactor: Redactor) -> None:
        with cls.lock:
            index = cls.active.index(redactor)
            cls.active = cls.active[:index] + cls.active[index + 1 :]
            if not cls.active:
                logging.setLogRecordFactory(cls.before)

    @classmethod
    def make(cls, *args: object, **kwargs: object) -> logging.LogRecord:
        record = cls.before(*args, **kwargs)
        for redactor in cls.active:
            RedactingFilter(redactor).filter(record)
        return record


def _forms(secret: str) -> set[str]:
    """The ways a secret may be spelt: as it is, percent-encoded, inside a JSON text, without its scheme."""
    bare = next((secret[len(scheme) :] for scheme in _SCHEMES if secret.startswith(scheme)), secret)
    spelt = {
        form
        for value in (secret, bare)
        for form in (value, quote(value, safe=""), quote_plus(value), quote(value), json.dumps(value)[1:-1])
    }
    return {form for form in spelt if len(form) >= MIN_LENGTH}


__all__ = ["EVERYWHERE", "MASK", "RedactingFilter", "Redactor", "hidden", "hide_secrets"]
