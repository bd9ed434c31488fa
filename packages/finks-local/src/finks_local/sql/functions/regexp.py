"""Regular expression functions (functions/regexp).

Trino takes Java's patterns, DuckDB those of RE2. A pattern that RE2 reads in another way, or not at all, is refused
when it is a literal and an error of the query when it is not.
"""

from __future__ import annotations

import re
from typing import Final

from finks_local.sql.errors import QueryError
from finks_local.sql.functions.registry import Call, Family, emit, read_signature, resolve
from finks_local.sql.types import BIGINT, BOOLEAN, VARCHAR, array
from finks_local.sql.value import Lambda, Value, text_literal, unsupported

regexps = Family()
_JAVA_ONLY: Final = re.compile(
    r"\(\?[=!<>](?![A-Za-z])|\(\?<[=!]|\(\?>|[*+?}]\+|\\[1-9]|\\k<|\\[ZhHRGX]|\[\^?[^\]]*(?:&&|\[(?!:))|\(\?[a-z-]*[uxd]"
)
"""Look-around, atomic groups, possessive quantifiers, back references, class operations, flags x, u, d."""


def checked(call: Call, pattern: Value) -> str:
    """The pattern's SQL.

    Raises:
        QueryError: NOT_SUPPORTED for a pattern with another meaning in RE2; INVALID_FUNCTION_ARGUMENT.
    """
    if pattern.type.base not in {"varchar", "unknown"}:
        raise call.unexpected()
    if not isinstance(pattern.constant, str):
        return f"trino_pattern({pattern.sql})"
    return text_literal(portable(pattern.constant))


def portable(pattern: str) -> str:
    """A Java pattern for RE2: named groups are spelled differently.

    Raises:
        QueryError: NOT_SUPPORTED, INVALID_FUNCTION_ARGUMENT.
    """
    bare = re.sub(r"\\\\", "", pattern)
    if _JAVA_ONLY.search(bare):
        raise unsupported(f"the regular expression {pattern!r}: it uses what only Java's engine has;")
    if re.search(r"\\[^\w\s]|\\[A-Za-z0-9]", bare) is None and bare.endswith("\\"):
        raise QueryError("INVALID_FUNCTION_ARGUMENT", f"Invalid pattern: {pattern}")
    return re.sub(r"\(\?<([A-Za-z][A-Za-z0-9]*)>", r"(?P<\1>", pattern)


@regexps.handles("regexp_like")
def _like(call: Call) -> Value:
    text, pattern = call.values(2)
    return Value(f"regexp_matches({_text(call, text)}, {checked(call, pattern)})", BOOLEAN)


def _text(call: Call, value: Value) -> str:
    if value.type.base not in {"varchar", "char", "unknown"}:
        raise call.unexpected()
    return f"CAST({value.sql} AS VARCHAR)" if value.type.base == "unknown" else value.sql


def _group(call: Call, pattern: Value, rest: list[Value]) -> int:
    if not rest:
        return 0
    group = rest[0].constant
    if not isinstance(group, int):
        raise unsupported(f"{call.name} with a group that is not a literal")
    if isinstance(pattern.constant, str):
        groups = re.sub(r"\\.|\[[^\]]*\]", "", pattern.constant)
        count = len(re.findall(r"\((?!\?)|\(\?P?<[A-Za-z]", groups))
        if not 0 <= group <= count:
            raise QueryError("INVALID_FUNCTION_ARGUMENT", f"Pattern has {count} groups. Cannot access group {group}")
    return group


@regexps.handles("regexp_extract")
def _extract(call: Call) -> Value:
    text, pattern, *rest = call.values(2, 3)
    group = _group(call, pattern, rest)
    found = f"regexp_extract_all({_text(call, text)}, {checked(call, pattern)}, {group})"
    if group == 0:
        return Value(f"list_extract({found}, 1)", VARCHAR)
    return Value(f"trino_regexp_group({_text(call, text)}, {checked(call, pattern)}, {group})", VARCHAR)


@regexps.handles("regexp_extract_all")
def _extract_all(call: Call) -> Value:
    text, pattern, *rest = call.values(2, 3)
    group = _group(call, pattern, rest)
    if group == 0:
        return Value(f"regexp_extract_all({_text(call, text)}, {checked(call, pattern)}, 0)", array(VARCHAR))
    return Value(f"trino_regexp_groups({_text(call, text)}, {checked(call, pattern)}, {group})", array(VARCHAR))


@regexps.handles("regexp_replace")
def _replace(call: Call) -> Value:
    if len(call.args) == 3 and isinstance(call.args[2], Lambda):
        return _replace_by(call)
    text, pattern, *rest = call.values(2, 3)
    source, wanted = _text(call, text), checked(call, pattern)
    if not rest:
        return Value(f"regexp_replace({source}, {wanted}, '', 'g')", VARCHAR)
    replacement = rest[0]
    if isinstance(replacement.constant, str):
        return Value(
            f"regexp_replace({source}, {wanted}, {text_literal(_re2_template(replacement.constant))}, 'g')", VARCHAR
        )
    raise unsupported("regexp_replace with a replacement that is not a literal")


def _replace_by(call: Call) -> Value:
    raise unsupported("regexp_replace with a function")


def _re2_template(text: str) -> str:
    r"""Java's `$1` and `\$` as RE2's `\1`."""
    result: list[str] = []
    index = 0
    while index < len(text):
        character = text[index]
        if character == "\\":
            following = text[index + 1 : index + 2]
            if not following:
                raise QueryError("INVALID_FUNCTION_ARGUMENT", "character to be escaped is missing")
            result.append("\\\\" if following == "\\" else following)
            index += 2
        elif character == "$":
            match = re.match(r"\$(\d)", text[index:])
            if match is None:
                if text[index + 1 : index + 2] == "{":
                    raise unsupported("regexp_replace with a named group")
                raise QueryError("INVALID_FUNCTION_ARGUMENT", "Illegal replacement sequence")
            result.append(f"\\{match[1]}")
            index += 2
        else:
            result.append(character)
            index += 1
    return "".join(result)


@regexps.handles("regexp_split")
def _split(call: Call) -> Value:
    text, pattern = call.values(2)
    return Value(f"trino_regexp_split({_text(call, text)}, {checked(call, pattern)})", array(VARCHAR))


@regexps.handles("regexp_count")
def _count(call: Call) -> Value:
    text, pattern = call.values(2)
    found = f"regexp_extract_all({_text(call, text)}, {checked(call, pattern)}, 0)"
    return Value(f"len({found})", BIGINT)


@regexps.handles("regexp_position")
def _position(call: Call) -> Value:
    signatures = [
        read_signature("regexp_position(varchar, varchar) -> integer", "trino_regexp_position($1, $2, 1, 1)"),
        read_signature("regexp_position(varchar, varchar, bigint) -> integer", "trino_regexp_position($1, $2, $3, 1)"),
        read_signature(
            "regexp_position(varchar, varchar, bigint, bigint) -> integer", "trino_regexp_position($1, $2, $3, $4)"
        ),
    ]
    text, pattern, *rest = call.values(2, 4)
    return emit(*resolve(call.name, signatures, [text, Value(checked(call, pattern), VARCHAR), *rest]))
