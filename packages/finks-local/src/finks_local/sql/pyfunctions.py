"""Functions that DuckDB has not, or has with other values, in Python: registered with a connection.

Every one is null for a null argument. One that fails raises `Failure`, which `explain` turns into Trino's error.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import inspect
import json
import math
import re
import struct
import unicodedata
import zlib
from collections.abc import Callable, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from itertools import combinations
from typing import Any, Final
from urllib.parse import parse_qsl, quote_plus, unquote_plus, urlsplit

import duckdb
import pyarrow as pa

from finks_local.sql.errors import QueryError
from finks_local.sql.functions.regexp import portable
from finks_local.sql.iso8601 import iso_date, iso_instant, joda_pattern, mysql_pattern, read_with
from finks_local.sql.javaformat import java_format
from finks_local.sql.jsonvalues import FUNCTIONS as JSON_FUNCTIONS
from finks_local.sql.value import FAILURE_MARK
from finks_local.sql.xxhash import xxhash64
from finks_local.sql.zones import canonical_zone, tzinfo_of, zoned_parts

Function = Callable[..., Any]


class Failure(Exception):  # noqa: N818 - a carrier of Trino's error through DuckDB
    """A Trino error from inside a function."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{FAILURE_MARK}{code}{FAILURE_MARK}{message}")


def _argument(message: str) -> Failure:
    return Failure("INVALID_FUNCTION_ARGUMENT", message)


# --- numbers ------------------------------------------------------------------------------------------------------


def double_text(value: float) -> str:
    """Java's `Double.toString` (shortest digits): `1.0E7`, `0.001`, `NaN`."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        text = repr(value)
        return text if "e" not in text else format(Decimal(text), "f")
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    shift = len(digits) - 1 + int(exponent)
    tail = "".join(map(str, digits[1:])) or "0"
    return f"{'-' if sign else ''}{digits[0]}.{tail}E{shift}"


def real_text(value: float) -> str:
    """The same for a real: the shortest digits that give the same 32 bits."""
    if math.isnan(value) or math.isinf(value) or value == 0:
        return double_text(value)
    wanted = struct.pack("f", value)
    short = next(text for digits in range(1, 10) if struct.pack("f", float(text := f"{value:.{digits}g}")) == wanted)
    return double_text(float(short))


def _round_double(value: float, places: int) -> float:
    """Java's rounding of a scaled double: half away from zero (functions/math, `round`)."""
    if math.isnan(value) or math.isinf(value):
        return value
    factor = 10.0**places
    scaled = abs(value) * factor
    if math.isinf(scaled):
        return value
    whole = math.floor(scaled + 0.5) if scaled < 2**52 else scaled
    result = whole / factor
    return -result if value < 0 else result


def _round_decimal(text: str, places: int) -> str:
    with localcontext() as context:
        context.prec = 100
        return format(Decimal(text).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP), "f")


def _truncate_decimal(text: str, places: int) -> str:
    with localcontext() as context:
        context.prec = 100
        return format(Decimal(text).quantize(Decimal(1).scaleb(-places), ROUND_DOWN), "f")


def _decimal_divide(left: str, right: str, scale: int) -> str:
    with localcontext() as context:
        context.prec = 120
        divisor = Decimal(right)
        if not divisor:
            raise Failure("DIVISION_BY_ZERO", "Division by zero")
        numerator = int(Decimal(left).scaleb(76))
        denominator = int(divisor.scaleb(76 - scale))
        quotient, rest = divmod(abs(numerator), abs(denominator))
        quotient += 2 * rest >= abs(denominator)
        negative = (numerator < 0) != (denominator < 0)
        return format(Decimal(-quotient if negative else quotient).scaleb(-scale), "f")


def _decimal_mod(left: str, right: str, scale: int) -> str:
    with localcontext() as context:
        context.prec = 120
        divisor = Decimal(right)
        if not divisor:
            raise Failure("DIVISION_BY_ZERO", "Division by zero")
        return format((Decimal(left) % divisor).quantize(Decimal(1).scaleb(-scale)), "f")


_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


def _from_base(text: str, radix: int) -> int:
    if not 2 <= radix <= 36:
        raise _argument("Radix must be between 2 and 36")
    try:
        return int(text, radix)
    except ValueError:
        raise _argument(f"Not a valid base-{radix} number: {text}") from None


def _to_base(value: int, radix: int) -> str:
    if not 2 <= radix <= 36:
        raise _argument("Radix must be between 2 and 36")
    digits, rest = "", abs(value)
    while rest or not digits:
        rest, digit = divmod(rest, radix)
        digits = _DIGITS[digit] + digits
    return "-" + digits if value < 0 else digits


def _format_number(value: float) -> str:
    if math.isnan(value) or math.isinf(value):
        return double_text(value)
    units, size = ["", "K", "M", "B", "T", "Q"], 0
    number = Decimal(repr(abs(value)))
    while number >= 1000 and size < len(units) - 1:
        number, size = number / 1000, size + 1
    places = 0 if number >= 100 else 1 if number >= 10 else 2
    text = format(number.quantize(Decimal(1).scaleb(-places), "ROUND_HALF_EVEN"), "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return ("-" if value < 0 else "") + text + units[size]


def _human_seconds(value: float) -> str:
    seconds = round(value)
    units = (("week", 604_800), ("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))
    parts: list[str] = []
    rest = abs(seconds)
    for name, size in units:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {name}{'s' if count != 1 else ''}")
    return ", ".join(parts) or "0 seconds"


def _cosine(left: dict[str, float], right: dict[str, float]) -> float:
    dot = sum(value * right.get(key, 0.0) for key, value in left.items())
    norms = math.sqrt(sum(v * v for v in left.values())) * math.sqrt(sum(v * v for v in right.values()))
    return dot / norms if norms else math.nan


def _entropy(counts: Sequence[int]) -> float:
    total = sum(counts)
    return -sum(c / total * math.log2(c / total) for c in counts if c) if total else 0.0


# --- text ---------------------------------------------------------------------------------------------------------


def _chr(value: int) -> str:
    if not 0 <= value <= 0x10FFFF or 0xD800 <= value <= 0xDFFF:
        raise _argument(f"Not a valid Unicode code point: {value}")
    return chr(value)


def _codepoint(text: str) -> int:
    if len(text) != 1:
        raise _argument("Input string must be a single character string")
    return ord(text)


def _hamming(left: str, right: str) -> int:
    if len(left) != len(right):
        raise _argument("The input strings to hamming_distance function must have the same length")
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
        raise _argument(f"Invalid input: {text}")
    digits = [int(c) for c in reversed(text)]
    return (sum(digits[::2]) + sum(sum(divmod(2 * d, 10)) for d in digits[1::2])) % 10 == 0


def _soundex(text: str) -> str:
    codes = {c: d for d, letters in enumerate(("bfpv", "cgjkqsxz", "dt", "l", "mn", "r"), 1) for c in letters}
    letters = [c for c in text.lower() if c.isalpha()]
    if not letters:
        return ""
    if any(c not in "abcdefghijklmnopqrstuvwxyz" for c in letters):
        raise _argument("The character is not mapped: " + text)
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
        raise _argument("'instance' must not be a positive or negative number.")
    position, step = (-1, 1) if instance > 0 else (len(text) + 1, -1)
    for _ in range(abs(instance)):
        position = text.find(part, position + 1) if step > 0 else text.rfind(part, 0, position + len(part) - 1)
        if position < 0:
            return 0
    return position + 1


def _pairs(text: str, between: str, inside: str) -> list[tuple[str, str]]:
    if not between or not inside or between == inside:
        raise _argument("entryDelimiter and keyValueDelimiter must not be the same or empty")
    result: list[tuple[str, str]] = []
    for entry in text.split(between):
        if not entry and entry is text.split(between)[-1]:
            continue
        parts = entry.split(inside)
        if len(parts) != 2:
            raise _argument(f"Key-value delimiter must appear exactly once in each entry. Bad input: '{entry}'")
        result.append((parts[0], parts[1]))
    return result


def _split_to_map(text: str, between: str, inside: str) -> dict[str, str]:
    result: dict[str, str] = {}
    for key, value in _pairs(text, between, inside):
        if key in result:
            raise _argument(f"Duplicate keys ({key}) are not allowed")
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


# --- regular expressions ------------------------------------------------------------------------------------------


def _pattern(pattern: str) -> str:
    try:
        return portable(pattern)
    except QueryError as error:
        raise Failure(error.code, error.message) from None


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise _argument(f"Invalid regular expression: {error}") from None


def _regexp_first(text: str, pattern: str, group: int) -> str | None:
    match = _compiled(pattern).search(text)
    return None if match is None else match[group]


def _regexp_groups(text: str, pattern: str, group: int) -> list[str | None]:
    return [match[group] for match in _compiled(pattern).finditer(text)]


def _regexp_split(text: str, pattern: str) -> list[str]:
    parts: list[str] = []
    start = 0
    for match in _compiled(pattern).finditer(text):
        parts.append(text[start : match.start()])
        start = match.end()
    return [*parts, text[start:]]


def _regexp_position(text: str, pattern: str, start: int, occurrence: int) -> int:
    if start < 1:
        raise _argument("start position cannot be smaller than 1")
    if occurrence < 1:
        raise _argument("occurrence cannot be smaller than 1")
    for match in _compiled(pattern).finditer(text, start - 1):
        occurrence -= 1
        if not occurrence:
            return match.start() + 1
    return -1


# --- bytes --------------------------------------------------------------------------------------------------------


def _from_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text) if not re.search(r"\s", text) else _raise(_argument("bad hex"))
    except ValueError:
        raise _argument(f"Invalid hex string: {text}") from None


def _raise(error: Exception) -> bytes:
    raise error


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise _argument("Illegal base64 text") from None


def _from_base32(text: str) -> bytes:
    try:
        return base64.b32decode(text + "=" * (-len(text) % 8))
    except ValueError:
        raise _argument(f"Invalid input: {text}") from None


def _from_big_endian(data: bytes, size: int) -> int:
    if len(data) != size:
        raise _argument(f"expected {size}-byte input, but got instead: {len(data)}")
    return int.from_bytes(data, "big", signed=True)


def _bytes_pad(data: bytes, size: int, pad: bytes, left: bool) -> bytes:
    if not pad:
        raise _argument("Padding bytes must not be empty")
    filling = (pad * (max(0, size - len(data)) // len(pad) + 1))[: max(0, size - len(data))]
    return data[:size] if len(data) >= size else (filling + data if left else data + filling)


def _from_ieee754(data: bytes) -> float:
    if len(data) != 8:
        raise _argument("Input floating-point value must be exactly 8 bytes long")
    return struct.unpack(">d", data)[0]


# --- time ---------------------------------------------------------------------------------------------------------


def _zone(name: str) -> str:
    try:
        return canonical_zone(name)
    except QueryError as error:
        raise Failure(error.code, error.message) from None


def _parse_zoned(text: str, digits: int) -> dict[str, Any]:
    try:
        at, zone, _ = zoned_parts(text, digits)
    except QueryError as error:
        raise Failure(error.code, error.message) from None
    return {"t": at, "z": zone}


def _iso8601_timestamp(text: str) -> dict[str, Any]:
    read = iso_instant(text)
    if read is None:
        raise _argument(f'Invalid format: "{text}"')
    return {"t": read[0], "z": read[1]}


def _iso8601_date(text: str) -> Any:
    day = iso_date(text)
    if day is None:
        raise _argument(f'Invalid format: "{text}"')
    return day


def _date_parse(text: str, form: str) -> Any:
    read = read_with(mysql_pattern(form), text)
    if read is None:
        raise _argument(f'Invalid format: "{text}"')
    return read[0]


def _parse_datetime(text: str, form: str) -> dict[str, Any]:
    read = read_with(joda_pattern(form), text)
    if read is None:
        raise _argument(f'Invalid format: "{text}"')
    return {"t": read[0].replace(tzinfo=tzinfo_of(read[1])), "z": read[1]}


def _format(form: str, kinds: str, values: Sequence[str | None]) -> str:
    try:
        return java_format(form, kinds.split(",") if kinds else [], values)
    except QueryError as error:
        raise Failure(error.code, error.message) from None


_ZONED: Final = "STRUCT(t TIMESTAMPTZ, z VARCHAR)"
_FUNCTIONS: Final[dict[str, tuple[Function, list[str], str]]] = {
    "trino_double_text": (double_text, ["DOUBLE"], "VARCHAR"),
    "trino_real_text": (real_text, ["FLOAT"], "VARCHAR"),
    "trino_round": (_round_double, ["DOUBLE", "BIGINT"], "DOUBLE"),
    "trino_cbrt": (math.cbrt, ["DOUBLE"], "DOUBLE"),
    "trino_round_decimal": (_round_decimal, ["VARCHAR", "BIGINT"], "VARCHAR"),
    "trino_truncate_decimal": (_truncate_decimal, ["VARCHAR", "BIGINT"], "VARCHAR"),
    "trino_decimal_divide": (_decimal_divide, ["VARCHAR", "VARCHAR", "BIGINT"], "VARCHAR"),
    "trino_decimal_mod": (_decimal_mod, ["VARCHAR", "VARCHAR", "BIGINT"], "VARCHAR"),
    "trino_from_base": (_from_base, ["VARCHAR", "BIGINT"], "BIGINT"),
    "trino_to_base": (_to_base, ["BIGINT", "BIGINT"], "VARCHAR"),
    "trino_format_number": (_format_number, ["DOUBLE"], "VARCHAR"),
    "trino_human_readable_seconds": (_human_seconds, ["DOUBLE"], "VARCHAR"),
    "trino_cosine_similarity": (_cosine, ["MAP(VARCHAR, DOUBLE)", "MAP(VARCHAR, DOUBLE)"], "DOUBLE"),
    "trino_entropy": (_entropy, ["BIGINT[]"], "DOUBLE"),
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
    "trino_format": (_format, ["VARCHAR", "VARCHAR", "VARCHAR[]"], "VARCHAR"),
    "trino_from_utf8": (lambda data: data.decode("utf-8", "replace"), ["BLOB"], "VARCHAR"),
    "trino_url_part": (_url_part, ["VARCHAR", "VARCHAR"], "VARCHAR"),
    "trino_url_parameter": (_url_parameter, ["VARCHAR", "VARCHAR"], "VARCHAR"),
    "trino_url_encode": (_url_encode, ["VARCHAR"], "VARCHAR"),
    "trino_url_decode": (unquote_plus, ["VARCHAR"], "VARCHAR"),
    "trino_pattern": (_pattern, ["VARCHAR"], "VARCHAR"),
    "trino_regexp_first": (_regexp_first, ["VARCHAR", "VARCHAR", "BIGINT"], "VARCHAR"),
    "trino_regexp_groups": (_regexp_groups, ["VARCHAR", "VARCHAR", "BIGINT"], "VARCHAR[]"),
    "trino_regexp_split": (_regexp_split, ["VARCHAR", "VARCHAR"], "VARCHAR[]"),
    "trino_regexp_position": (_regexp_position, ["VARCHAR", "VARCHAR", "BIGINT", "BIGINT"], "INTEGER"),
    "trino_from_hex": (_from_hex, ["VARCHAR"], "BLOB"),
    "trino_from_base64": (_from_base64, ["VARCHAR"], "BLOB"),
    "trino_to_base32": (lambda data: base64.b32encode(data).decode(), ["BLOB"], "VARCHAR"),
    "trino_from_base32": (_from_base32, ["VARCHAR"], "BLOB"),
    "trino_sha512": (lambda data: hashlib.sha512(data).digest(), ["BLOB"], "BLOB"),
    "trino_crc32": (zlib.crc32, ["BLOB"], "BIGINT"),
    "trino_xxhash64": (xxhash64, ["BLOB"], "BLOB"),
    "trino_hmac": (lambda data, key, name: hmac.digest(key, data, name), ["BLOB", "BLOB", "VARCHAR"], "BLOB"),
    "trino_to_big_endian": (lambda value, size: value.to_bytes(size, "big", signed=True), ["BIGINT", "BIGINT"], "BLOB"),
    "trino_from_big_endian": (_from_big_endian, ["BLOB", "BIGINT"], "BIGINT"),
    "trino_to_ieee754": (lambda value: struct.pack(">d", value), ["DOUBLE"], "BLOB"),
    "trino_from_ieee754": (_from_ieee754, ["BLOB"], "DOUBLE"),
    "trino_reverse_pairs": (lambda text: bytes.fromhex(text)[::-1].hex(), ["VARCHAR"], "VARCHAR"),
    "trino_bytes_pad": (_bytes_pad, ["BLOB", "BIGINT", "BLOB", "BOOLEAN"], "BLOB"),
    "trino_zone": (_zone, ["VARCHAR"], "VARCHAR"),
    "trino_parse_zoned": (_parse_zoned, ["VARCHAR", "BIGINT"], _ZONED),
    "trino_iso8601_timestamp": (_iso8601_timestamp, ["VARCHAR"], _ZONED),
    "trino_iso8601_date": (_iso8601_date, ["VARCHAR"], "DATE"),
    "trino_date_parse": (_date_parse, ["VARCHAR", "VARCHAR"], "TIMESTAMP"),
    "trino_parse_datetime": (_parse_datetime, ["VARCHAR", "VARCHAR"], _ZONED),
    **JSON_FUNCTIONS,
}
_RESULTS: Final[dict[str, pa.DataType]] = {
    "VARCHAR": pa.string(),
    "DOUBLE": pa.float64(),
    "BIGINT": pa.int64(),
    "INTEGER": pa.int32(),
    "BOOLEAN": pa.bool_(),
    "BLOB": pa.binary(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us"),
    "VARCHAR[]": pa.list_(pa.string()),
    "MAP(VARCHAR, VARCHAR)": pa.map_(pa.string(), pa.string()),
    "MAP(VARCHAR, VARCHAR[])": pa.map_(pa.string(), pa.list_(pa.string())),
    _ZONED: pa.struct([("t", pa.timestamp("us", tz="UTC")), ("z", pa.string())]),
}


def _by_column(function: Function, width: int, result: pa.DataType) -> Function:
    """The function over that many Arrow columns; DuckDB reads the number off the signature."""

    def run(*columns: pa.ChunkedArray) -> pa.Array:
        rows = zip(*(column.to_pylist(maps_as_pydicts="strict") for column in columns), strict=True)
        values = [None if any(value is None for value in row) else function(*row) for row in rows]
        if pa.types.is_map(result):
            values = [None if value is None else list(value.items()) for value in values]
        return pa.array(values, result)

    names = (inspect.Parameter(f"c{i}", inspect.Parameter.POSITIONAL_ONLY) for i in range(width))
    run.__signature__ = inspect.Signature(list(names))  # pyright: ignore[reportFunctionMemberAccess]
    return run


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Add the functions to a connection."""
    for name, (function, parameters, result) in _FUNCTIONS.items():
        connection.create_function(
            name,
            _by_column(function, len(parameters), _RESULTS[result]),
            parameters,
            result,
            type="arrow",
            null_handling="special",
            side_effects=False,
        )


__all__ = ["InvalidOperation", "combinations", "double_text", "json", "real_text", "register"]
