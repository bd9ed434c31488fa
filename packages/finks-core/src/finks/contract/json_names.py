"""Whether records that polars read repeat a member's name.

polars keeps the first of two members with one name without a word, so the fast way must prove that there
are none. It does so by counting: cheap, and never wrong in the direction that matters.
"""

from __future__ import annotations

import json

import polars as pl

from finks.contract.bodies import MalformedError
from finks.contract.json_strict import REPEATED, loads, utf8


def every_name_once(content: bytes, frame: pl.DataFrame) -> bool:
    """Whether it is proved that no record repeats the name of a wanted member.

    Args:
        content: A JSON list that polars accepted, without an escape in any member's name.
        frame: The wanted members as polars read them, in the vendor's names.

    Every record is shown to hold each wanted member of the first record at least once: it has a value, or
    the body spells the null out. Then either the number of `"name":` is that of the records, or, cheaper,
    where no text holds a colon, the number of colons leaves no room for a second one.
    """
    records = frame.height
    if records == 0:
        return b"{" not in content
    first = _first_record(content)
    if first is None:
        return False
    wanted = [name for name in frame.columns if name in first]
    absent = {name: frame[name].null_count() for name in frame.columns}
    if any(absent[name] and absent[name] != _nulls(content, name) for name in wanted):
        return False
    if any(absent[name] != records for name in frame.columns if name not in first):
        return False
    texts = [*first, *(value for value in first.values() if isinstance(value, str))]
    if any(":" in text for text in texts):
        return all(_occurrences(content, name) == records for name in wanted)
    others = [name for name in first if name not in wanted]
    return content.count(b":") == records * len(first) and all(_occurrences(content, x) == records for x in others)


def _first_record(content: bytes) -> dict[str, object] | None:
    """The first record if it is flat and repeats no name."""
    start, end = content.find(b"{"), content.find(b"}")
    try:
        first = loads(utf8(content[start : end + 1]))
    except MalformedError:  # the brace stands in a text or ends an inner object
        return None
    if not isinstance(first, dict) or REPEATED in first:
        return None
    return None if any(isinstance(value, dict | list) for value in first.values()) else first


def _quoted(name: str) -> bytes:
    return json.dumps(name, ensure_ascii=False).encode() + b":"


def _occurrences(content: bytes, name: str) -> int:
    return content.count(_quoted(name))


def _nulls(content: bytes, name: str) -> int:
    return content.count(_quoted(name) + b"null") + content.count(_quoted(name) + b" null")
