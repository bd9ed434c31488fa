"""Which format an answer has: by the parameter `format`, else by `Accept` (RFC 9110, section 12.5.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import pyarrow as pa

from finks_api.formats.accept import Choice, choices
from finks_api.formats.writers import Envelope, write_arrow, write_csv, write_json, write_ndjson
from finks_api.problems import Problem

_REMEMBERED: Final = 256
"""Characters: a longer header is read anew each time, so that strange ones take no memory."""


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write a page of rows.

    Attributes:
        name: The value of the parameter `format`.
        content_type: The header of the answer.
        write: The bytes of one page.
    """

    name: str
    content_type: str
    write: Callable[[pa.Table, Envelope], bytes]

    @property
    def media_type(self) -> str:
        """Type and subtype, without parameters."""
        return self.content_type.partition(";")[0]


FORMATS: Final = (
    Format("json", "application/json", write_json),
    Format("csv", "text/csv; charset=utf-8", write_csv),
    Format("ndjson", "application/x-ndjson", write_ndjson),
    Format("arrow", "application/vnd.apache.arrow.stream", write_arrow),
)
"""In the order in which they are preferred where the caller has no preference."""

_UTF_8: Final = frozenset({("charset", "utf-8")})


def negotiate(accept: str | None, format: str | None) -> Format:
    """The format of an answer. `format` wins; without both it is JSON.

    Args:
        accept: The header `Accept`; several of them joined by commas.
        format: The parameter `format`.

    Raises:
        Problem: `not-acceptable`, with the formats that there are.
    """
    if format is not None:
        found = next((each for each in FORMATS if each.name == format), None)
    else:
        found = (_remembered if len(accept or "") <= _REMEMBERED else _accepted)(accept or "")
    if found is None:
        names = ", ".join(f"{each.name} ({each.media_type})" for each in FORMATS)
        raise Problem("not-acceptable", f"The formats are {names}.", formats=[each.name for each in FORMATS])
    return found


def _accepted(accept: str) -> Format | None:
    ranges = list(choices(accept))
    if not ranges:
        return FORMATS[0]
    weights = [_weight(each, ranges) for each in FORMATS]
    best = max(weights)
    return FORMATS[weights.index(best)] if best else None


_remembered = lru_cache(maxsize=1024)(_accepted)


def _weight(format: Format, ranges: Sequence[Choice]) -> float:
    """That of the most specific range; of two alike, the last one's."""
    matching = [(_specificity(each, format), each.weight) for each in ranges]
    specific = max(rank for rank, _ in matching)
    return [weight for rank, weight in matching if rank == specific][-1] if specific else 0.0


def _specificity(range: Choice, format: Format) -> int:
    """0 where the range does not match. Every text here is UTF-8, so that this parameter holds for each."""
    if range.parameters and (format.name == "arrow" or not range.parameters <= _UTF_8):
        return 0
    names = ("*/*", format.media_type.partition("/")[0] + "/*", format.media_type)
    return names.index(range.name) + 1 + 3 * bool(range.parameters) if range.name in names else 0
