"""The exact source text of single records of a body. Slow, so only for bodies with rejects."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Set

from finks.contract.decode import sniff, without_mark

EXCERPT = 4096
_DECODER = json.JSONDecoder(parse_float=str, parse_int=str)
_SPACE = " \t\r\n"


def excerpt(content: bytes) -> str:
    """The first 4,096 bytes of a body as text; the whole body is in Bronze."""
    return content[:EXCERPT].decode("utf-8", errors="replace")


def record_texts(content_type: str, content: bytes, ordinals: Set[int]) -> Mapping[int, str]:
    """The source text of the records at some positions.

    Args:
        content_type: The declared media type.
        content: A body that decoded.
        ordinals: Positions of the wanted records.

    Returns:
        Position to text. A Parquet body has no text: its records are absent here.
    """
    plain = without_mark(content)
    form = sniff(content_type, plain)
    if form == "parquet":
        return {}
    text = plain.decode("utf-8")
    spans = {"json": _json_spans, "ndjson": _line_spans, "csv": _csv_spans}[form](text)
    last = max(ordinals, default=-1)
    found: dict[int, str] = {}
    for ordinal, (start, end) in enumerate(spans):
        if ordinal in ordinals:
            found[ordinal] = text[start:end]
        if ordinal >= last:
            break
    return found


def _json_spans(text: str) -> Iterator[tuple[int, int]]:
    position = _skip(text, 0)
    if text[position] == "{":
        yield position, len(text.rstrip(_SPACE))
        return
    position = _skip(text, position + 1)
    while text[position] != "]":
        _, end = _DECODER.raw_decode(text, position)
        yield position, end
        position = _skip(text, end)
        if text[position] == ",":
            position = _skip(text, position + 1)


def _skip(text: str, position: int) -> int:
    while text[position] in _SPACE:
        position += 1
    return position


def _line_spans(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for line in text.split("\n"):
        if line.strip(" \t\r"):
            yield start, start + len(line.rstrip("\r"))
        start += len(line) + 1


def _csv_spans(text: str) -> Iterator[tuple[int, int]]:
    """Rows after the header; a quoted field may hold line ends, and blank lines are no rows."""
    lines = list(io.StringIO(text, newline=""))  # str.splitlines would also cut at U+2028 and its like
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    reader = csv.reader(lines)
    before, header = 0, True
    for row in reader:
        span = starts[before], starts[reader.line_num]
        before = reader.line_num
        if not row:
            continue
        if not header:
            yield span[0], span[0] + len(text[span[0] : span[1]].rstrip("\r\n"))
        header = False
