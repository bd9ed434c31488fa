"""Regular expressions as Java runs them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from finks_local.sql.javaregex import compiled, expand
from finks_local.sql.udf.failure import Functions, argument


def _regexp_like(text: str, pattern: str) -> bool:
    return compiled(pattern).search(text) is not None


def _regexp_first(text: str, pattern: str, group: int) -> str | None:
    match = _grouped(pattern, group).search(text)
    return None if match is None else match[group]


def _regexp_groups(text: str, pattern: str, group: int) -> list[str | None]:
    return [match[group] for match in _grouped(pattern, group).finditer(text)]


def _grouped(pattern: str, group: int) -> re.Pattern[str]:
    found = compiled(pattern)
    if not 0 <= group <= found.groups:
        raise argument(f"Pattern has {found.groups} groups. Cannot access group {group}")
    return found


def _regexp_replace(text: str, pattern: str, replacement: str) -> str:
    return compiled(pattern).sub(lambda match: expand(replacement, match), text)


def _regexp_all_groups(text: str, pattern: str) -> list[list[str | None]]:
    return [list(match.groups()) for match in compiled(pattern).finditer(text)]


def _interleave(pieces: Sequence[str], between: Sequence[str | None]) -> str | None:
    if None in between:
        return None
    return pieces[0] + "".join(str(new) + piece for new, piece in zip(between, pieces[1:], strict=True))


def _regexp_split(text: str, pattern: str) -> list[str]:
    parts: list[str] = []
    start = 0
    for match in compiled(pattern).finditer(text):
        parts.append(text[start : match.start()])
        start = match.end()
    return [*parts, text[start:]]


def _regexp_position(text: str, pattern: str, start: int, occurrence: int) -> int:
    if start < 1:
        raise argument("start position cannot be smaller than 1")
    if occurrence < 1:
        raise argument("occurrence cannot be smaller than 1")
    for match in compiled(pattern).finditer(text, start - 1):
        occurrence -= 1
        if not occurrence:
            return match.start() + 1
    return -1


FUNCTIONS: Final[Functions] = {
    "trino_regexp_like": (_regexp_like, ["VARCHAR", "VARCHAR"], "BOOLEAN"),
    "trino_regexp_replace": (_regexp_replace, ["VARCHAR", "VARCHAR", "VARCHAR"], "VARCHAR"),
    "trino_regexp_first": (_regexp_first, ["VARCHAR", "VARCHAR", "BIGINT"], "VARCHAR"),
    "trino_regexp_groups": (_regexp_groups, ["VARCHAR", "VARCHAR", "BIGINT"], "VARCHAR[]"),
    "trino_regexp_all_groups": (_regexp_all_groups, ["VARCHAR", "VARCHAR"], "VARCHAR[][]"),
    "trino_interleave": (_interleave, ["VARCHAR[]", "VARCHAR[]"], "VARCHAR"),
    "trino_regexp_split": (_regexp_split, ["VARCHAR", "VARCHAR"], "VARCHAR[]"),
    "trino_regexp_position": (_regexp_position, ["VARCHAR", "VARCHAR", "BIGINT", "BIGINT"], "INTEGER"),
}
