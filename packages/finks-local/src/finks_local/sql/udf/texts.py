"""Text: characters, distances, splitting, URLs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qsl, quote_plus, unquote_plus, urlsplit

from finks_local.sql.udf.failure import FailureError, Functions, argument


def _chr(value: int) -> str:
    if not 0 <= value <= 0x10FFFF or 0xD800 <= value <= 0xDFFF:
        raise argument(f"Not a valid Unicode code point: {value}")
    return chr(value)


def _codepoint(text: str) -> int:
    if len(text) != 1:
        raise argument("Input string must be a single character string")
    return ord(text)


def _hamming(left: str, right: str) -> int:
    if len(left) != len(right):
        raise argument("The input strings to hamming_distance function must have the same length")
    return sum(a != b for a, b in zip(left, right, strict=True))


def _levenshtein(left: str, right: str) -> int:
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(right, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]


def _simple_case(text: str, change: Callable[[str], str]) -> str:
    """One character for one, as Java's Character methods do."""
    return "".join(new if len(new := change(c)) == 1 else c for c in text)


def _luhn(text: str) -> bool:
    if not re.fullmatch(r"\d+", text):
        raise argument(f"Invalid input: {text}")
    digits = [int(c) for c in reversed(text)]
    return (sum(digits[::2]) + sum(sum(divmod(2 * d, 10)) for d in digits[1::2])) % 10 == 0


def _soundex(text: str) -> str:
    codes = {c: d for d, letters in enumerate(("bfpv", "cgjkqsxz", "dt", "l", "mn", "r"), 1) for c in letters}
    letters = [c for c in text.lower() if c.isalpha()]
    if not letters:
        return ""
    if any(c not in "abcdefghijklmnopqrstuvwxyz" for c in letters):
        raise argument("The character is not mapped: " + text)
    result, last = letters[0].upper(), codes.get(letters[0], 0)
    for letter in letters[1:]:
        code = codes.get(letter, 0)
        if code and code != last:
            result += str(code)
        if letter not in "hw":
            last = code
    return (result + "000")[:4]


def _strpos(text: str, part: str, instance: int) -> int:
    if instance == 0:
        raise argument("'instance' must not be a positive or negative number.")
    position, step = (-1, 1) if instance > 0 else (len(text) + 1, -1)
    for _ in range(abs(instance)):
        position = text.find(part, position + 1) if step > 0 else text.rfind(part, 0, position + len(part) - 1)
        if position < 0:
            return 0
    return position + 1


def _pairs(text: str, between: str, inside: str) -> list[tuple[str, str]]:
    if not between or not inside or between == inside:
        raise argument("entryDelimiter and keyValueDelimiter must not be the same or empty")
    result: list[tuple[str, str]] = []
    for entry in text.split(between):
        if not entry and entry is text.split(between)[-1]:
            continue
        parts = entry.split(inside)
        if len(parts) != 2:
            raise argument(f"Key-value delimiter must appear exactly once in each entry. Bad input: '{entry}'")
        result.append((parts[0], parts[1]))
    return result


def _split_to_map(text: str, between: str, inside: str) -> dict[str, str]:
    result: dict[str, str] = {}
    for key, value in _pairs(text, between, inside):
        if key in result:
            raise argument(f"Duplicate keys ({key}) are not allowed")
        result[key] = value
    return result


def _split_to_multimap(text: str, between: str, inside: str) -> dict[str, list[str]]:
    result: dict[str, list[str]] = {}
    for key, value in _pairs(text, between, inside):
        result.setdefault(key, []).append(value)
    return result


_URL_PARTS: Final = {"protocol": "scheme", "host": "hostname", "path": "path", "query": "query", "fragment": "fragment"}


def _url_part(text: str, part: str) -> str | None:
    try:
        url = urlsplit(text)
        if part == "port":
            return str(url.port) if url.port is not None else None
        found = getattr(url, _URL_PARTS[part])
    except ValueError:
        return None
    return found if found is not None else ""


def _url_parameter(text: str, name: str) -> str | None:
    try:
        pairs = parse_qsl(urlsplit(text).query, keep_blank_values=True)
    except ValueError:
        return None
    return next((value for key, value in pairs if key == name), None)


def _url_encode(text: str) -> str:
    return quote_plus(text, safe="*-_.").replace("~", "%7E")


def _uuid(text: str) -> str:
    if re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", text) is None:
        raise FailureError("INVALID_CAST_ARGUMENT", f"Cannot cast value to UUID: {text}")
    return text.lower()


FUNCTIONS: Final[Functions] = {
    "trino_chr": (_chr, ["BIGINT"], "VARCHAR"),
    "trino_codepoint": (_codepoint, ["VARCHAR"], "INTEGER"),
    "trino_hamming_distance": (_hamming, ["VARCHAR", "VARCHAR"], "BIGINT"),
    "trino_levenshtein_unicode": (_levenshtein, ["VARCHAR", "VARCHAR"], "BIGINT"),
    "trino_lower_unicode": (lambda text: _simple_case(text, str.lower), ["VARCHAR"], "VARCHAR"),
    "trino_upper_unicode": (lambda text: _simple_case(text, str.upper), ["VARCHAR"], "VARCHAR"),
    "trino_reverse_unicode": (lambda text: text[::-1], ["VARCHAR"], "VARCHAR"),
    "trino_replace_empty": (lambda text, new: text.replace("", new), ["VARCHAR", "VARCHAR"], "VARCHAR"),
    "trino_luhn_check": (_luhn, ["VARCHAR"], "BOOLEAN"),
    "trino_normalize": (lambda text, form: unicodedata.normalize(form, text), ["VARCHAR", "VARCHAR"], "VARCHAR"),
    "trino_soundex": (_soundex, ["VARCHAR"], "VARCHAR"),
    "trino_strpos": (_strpos, ["VARCHAR", "VARCHAR", "BIGINT"], "BIGINT"),
    "trino_split_to_map": (_split_to_map, ["VARCHAR", "VARCHAR", "VARCHAR"], "MAP(VARCHAR, VARCHAR)"),
    "trino_split_to_multimap": (_split_to_multimap, ["VARCHAR", "VARCHAR", "VARCHAR"], "MAP(VARCHAR, VARCHAR[])"),
    "trino_from_utf8": (lambda data: data.decode("utf-8", "replace"), ["BLOB"], "VARCHAR"),
    "trino_url_part": (_url_part, ["VARCHAR", "VARCHAR"], "VARCHAR"),
    "trino_url_parameter": (_url_parameter, ["VARCHAR", "VARCHAR"], "VARCHAR"),
    "trino_url_encode": (_url_encode, ["VARCHAR"], "VARCHAR"),
    "trino_url_decode": (unquote_plus, ["VARCHAR"], "VARCHAR"),
    "trino_uuid": (_uuid, ["VARCHAR"], "VARCHAR"),
}
