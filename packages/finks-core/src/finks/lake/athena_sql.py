"""A query for Athena: zones by their names in Glue, marts at the snapshot that is served, values as literals. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from finks.errors import ConfigurationError
from finks.lake.catalog import NAMESPACES, no_such_table
from finks.lake.releases import RELEASES

Parameter = str | bool | int | float | Decimal | date | datetime | bytes | None

_TOKEN: Final = re.compile(
    r"""(?P<text>'(?:[^']|'')*')|(?P<comment>--[^\n]*|/\*.*?\*/)|(?P<quoted>"(?:[^"]|"")*")|(?P<word>\w+)"""
    r"""|(?P<space>\s+)|(?P<other>.)""",
    re.DOTALL,
)
_READS: Final = frozenset({"select", "with", "values", "table"})
_BIGINT: Final = 2**63


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    end: int

    @property
    def name(self) -> str:
        """The identifier that this is; empty for anything else. Athena's names have small letters."""
        if self.kind == "quoted":
            return self.text[1:-1].replace('""', '"').lower()
        return self.text.lower() if self.kind == "word" else ""


def rewrite(query: str, database: Callable[[str], str], served: Mapping[str, int]) -> str:
    """The query as Athena must see it.

    Args:
        query: One SELECT statement in Athena's SQL over `bronze.*`, `silver.*`, `quarantine.*` and `gold.*`.
        database: The Glue database of a zone.
        served: The snapshot of each mart of the served release. Athena would read the newest one, which may be ahead.

    Raises:
        ConfigurationError: It is not one SELECT statement, or a mart is not in the served release.
    """
    tokens = [token for token in _tokens(query) if token.kind not in {"space", "comment"}]
    _refuse_writes(tokens)
    pieces: list[str] = []
    done = 0
    for zone, table, following in _references(tokens):
        pieces += [query[done : zone.end - len(zone.text)], f'"{database(zone.name)}"']
        done = zone.end
        if zone.name == "gold" and following not in {".", "for"} and table.name != RELEASES:
            if table.name not in served:
                raise no_such_table(f"gold.{table.name}", [f"gold.{name}" for name in sorted(served)])
            pieces += [query[done : table.end], f" FOR VERSION AS OF {served[table.name]}"]
            done = table.end
    return "".join([*pieces, query[done:]])


def _tokens(query: str) -> Iterator[_Token]:
    for found in _TOKEN.finditer(query):
        yield _Token(found.lastgroup or "other", found[0], found.end())


def _references(tokens: list[_Token]) -> Iterator[tuple[_Token, _Token, str]]:
    """Each `zone.name`, and the word or sign after it."""
    ends = [_Token("other", "", 0)] * 3
    window = [ends[0], *tokens, *ends]
    for before, zone, dot, table, after in zip(window, window[1:], window[2:], window[3:], window[4:], strict=False):
        if before.text != "." and zone.name in NAMESPACES and dot.text == "." and table.name:
            yield zone, table, after.text.lower()


def _refuse_writes(tokens: Collection[_Token]) -> None:
    first = next((token.name for token in tokens if token.text != "("), "")
    if first not in _READS:
        raise ConfigurationError(
            "The query is not one SELECT statement.",
            expected="one SELECT statement: the lake is read only here",
            got=first.upper() or "nothing",
            hint="For example: select * from gold.daily_portfolio_summary limit 5",
        )


def literal(value: Parameter) -> str:
    """A value as Athena takes it for a `?`: a literal of its own type, which cannot be anything else.

    Raises:
        ConfigurationError: Athena has no literal for it.
    """
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, bytes):
        return f"X'{value.hex().upper()}'"
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    return _number(value)


def _moment(value: datetime) -> str:
    zone = " UTC" if value.tzinfo is not None else ""
    plain = value.astimezone(UTC).replace(tzinfo=None) if zone else value
    return f"TIMESTAMP '{plain.isoformat(sep=' ', timespec='microseconds')}{zone}'"


def _number(value: float | Decimal) -> str:
    if isinstance(value, Decimal) and value.is_finite():
        return f"DECIMAL '{value:f}'"
    if isinstance(value, int) and -_BIGINT <= value < _BIGINT:
        return str(value)
    if isinstance(value, float):
        if math.isnan(value):
            return "nan()"
        if math.isinf(value):
            return "infinity()" if value > 0 else "-infinity()"
        return f"{value:.17E}"
    raise ConfigurationError(
        "Athena cannot take this parameter.",
        where="parameters",
        expected="text, bool, a whole number of 64 bits, a finite Decimal, float, date, datetime, bytes or None",
        got=type(value).__name__,
    )
