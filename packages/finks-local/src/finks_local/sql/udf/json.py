"""JSON as Trino reads and writes it (functions/json): keys sorted, numbers as written, paths strict."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final

from finks_local.sql.numbertext import double_text, real_text
from finks_local.sql.types import TrinoType, parse_trino
from finks_local.sql.udf.failure import FailureError, Functions


class Number(str):
    """A JSON number, by its text."""

    __slots__ = ()


def load(text: str) -> Any:
    """The document of a text, with numbers by their text.

    Raises:
        ValueError: It is not JSON.
    """
    return json.loads(text, parse_float=Number, parse_int=Number, parse_constant=_refuse)


def _refuse(name: str) -> Any:
    raise ValueError(name)


def dump(value: Any, *, ordered: bool = True) -> str:
    """JSON's text without blanks, with sorted keys."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        items = sorted(value.items()) if ordered else list(value.items())
        return "{" + ",".join(f"{json.dumps(k, ensure_ascii=False)}:{dump(v, ordered=ordered)}" for k, v in items) + "}"
    if isinstance(value, list):
        return "[" + ",".join(dump(item, ordered=ordered) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def _document(text: str) -> Any:
    try:
        return load(text)
    except ValueError:
        raise FailureError("INVALID_FUNCTION_ARGUMENT", f"Cannot convert value to JSON: '{text}'") from None


def _parse(text: str) -> str:
    return dump(_canonical_numbers(_document(text)))


def _canonical_numbers(value: Any) -> Any:
    """Trino's parser keeps whole numbers and turns fractions into doubles."""
    if isinstance(value, Number):
        return Number(double_json(float(value))) if re.search(r"[.eE]", value) else Number(int(value))
    if isinstance(value, dict):
        return {key: _canonical_numbers(item) for key, item in value.items()}
    return [_canonical_numbers(item) for item in value] if isinstance(value, list) else value


def double_json(value: float) -> str:
    """A double in JSON: `1.0E7`, and text for what JSON has no number for."""
    text = double_text(value)
    return f'"{text}"' if math.isnan(value) or math.isinf(value) else text


def _real_json(value: float) -> str:
    text = real_text(value)
    return f'"{text}"' if math.isnan(value) or math.isinf(value) else text


_STEP: Final = re.compile(
    r"""\.([A-Za-z_$][\w$-]*)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|\['([^']*)'\]|\.\[(\d+)\]|\.(\d\w*)"""
)


@lru_cache(maxsize=1000)
def _steps(path: str) -> tuple[str | int, ...]:
    """The steps of a path of names and indices.

    Raises:
        FailureError: INVALID_FUNCTION_ARGUMENT; NOT_SUPPORTED for wildcards, filters and recursion.
    """
    text = path.strip()
    if not text.startswith("$"):
        text = "$" + ("" if text.startswith(("[", ".")) else ".") + text
    position, steps = 1, list[str | int]()
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            if re.search(r"\*|\?|\.\.|:|\(|,|@", text):
                raise FailureError("NOT_SUPPORTED", f"JSON path {path!r} is not supported by the local Athena")
            raise FailureError("INVALID_FUNCTION_ARGUMENT", f"Invalid JSON path: '{path}'")
        name, index, quoted, single, dotted, digits = match.groups()
        if index is not None or dotted is not None:
            steps.append(int(index if index is not None else dotted))
        else:
            steps.append(next(part for part in (name, quoted, single, digits) if part is not None))
        position = match.end()
    return tuple(steps)


_MISSING: Final = object()


def _walk(text: str, path: str) -> Any:
    try:
        value = load(text)
    except ValueError:
        return _MISSING
    for step in _steps(path):
        if isinstance(value, dict) and isinstance(step, str) and step in value:
            value = value[step]
        elif isinstance(value, dict) and isinstance(step, int) and str(step) in value:
            value = value[str(step)]
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return _MISSING
    return value


def _extract(text: str, path: str) -> str | None:
    found = _walk(text, path)
    return None if found is _MISSING else dump(found, ordered=False)


def _extract_scalar(text: str, path: str) -> str | None:
    found = _walk(text, path)
    if found is _MISSING or found is None or isinstance(found, dict | list):
        return None
    return str(found).lower() if isinstance(found, bool) else str(found)


def _size(text: str, path: str) -> int | None:
    found = _walk(text, path)
    if found is _MISSING:
        return None
    return len(found) if isinstance(found, dict | list) else 0


def _array(text: str) -> list[Any] | None:
    try:
        value = load(text)
    except ValueError:
        return None
    return value if isinstance(value, list) else None


def _array_length(text: str) -> int | None:
    items = _array(text)
    return None if items is None else len(items)


def _array_get(text: str, index: int) -> str | None:
    items = _array(text)
    if items is None or not -len(items) <= index < len(items):
        return None
    return dump(items[index], ordered=False)


def _array_contains(text: str, wanted: str) -> bool | None:
    items = _array(text)
    if items is None:
        return None
    value = load(wanted)
    if isinstance(value, Number):
        return any(isinstance(item, Number) and Decimal(item) == Decimal(value) for item in items)
    return any(item == value and type(item) is type(value) for item in items)


def _is_scalar(text: str) -> bool:
    return not isinstance(_document(text), dict | list)


# --- casts from JSON ----------------------------------------------------------------------------------------------


@lru_cache(maxsize=1000)
def _type(name: str) -> TrinoType:
    return parse_trino(name)


def _from_json(text: str, name: str) -> str | None:
    """JSON that DuckDB reads as the type: every scalar is text, checked here."""
    kind = _type(name)
    try:
        value = _converted(load(text), kind)
    except (ValueError, InvalidOperation, TypeError, OverflowError):
        shown = text if len(text) < 100 else text[:97] + "..."
        raise FailureError("INVALID_CAST_ARGUMENT", f"Cannot cast to {name}. {shown}") from None
    if kind.base in {"array", "map", "row"}:
        return None if value is None else json.dumps(value)
    return value


def _converted(value: Any, kind: TrinoType) -> Any:
    if kind.base == "json":
        return dump(value)
    if value is None:
        return None
    match kind.base:
        case "array":
            if not isinstance(value, list):
                raise ValueError
            return [_converted(item, kind.element) for item in value]
        case "map":
            if not isinstance(value, dict):
                raise ValueError
            key, item = kind.args
            return {_converted(k, key): _converted(v, item) for k, v in value.items()}
        case "row":
            return _row(value, kind)
        case base:
            if isinstance(value, dict | list):
                raise ValueError
            return _SCALARS[base](value, kind)


def _row(value: Any, kind: TrinoType) -> dict[str, Any]:
    fields = kind.named_fields
    if isinstance(value, list):
        if len(value) != len(fields):
            raise ValueError
        return {name: _converted(item, field) for (name, field), item in zip(fields, value, strict=True)}
    if not isinstance(value, dict):
        raise ValueError
    lowered = {key.lower(): item for key, item in value.items()}
    return {name: _converted(lowered.get(name.lower()), field) for name, field in fields}


def _boolean(value: Any, _kind: TrinoType) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Number):
        return "true" if Decimal(value) else "false"
    return {"true": "true", "false": "false"}[value.lower()] if value.lower() in {"true", "false"} else _bad()


def _bad() -> str:
    raise ValueError


_RANGES: Final = {"tinyint": 7, "smallint": 15, "integer": 31, "bigint": 63}


def _integer(value: Any, kind: TrinoType) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if not isinstance(value, Number) and not re.fullmatch(r"[+-]?\d+", value):
        raise ValueError
    whole = int(Decimal(value).quantize(Decimal(1), ROUND_HALF_UP))
    if not -(2 ** _RANGES[kind.base]) <= whole < 2 ** _RANGES[kind.base]:
        raise ValueError
    return str(whole)


def _double(value: Any, _kind: TrinoType) -> str:
    return repr(float(value))


def _decimal(value: Any, kind: TrinoType) -> str:
    number = Decimal(int(value)) if isinstance(value, bool) else Decimal(value)
    rounded = number.quantize(Decimal(1).scaleb(-kind.scale), ROUND_HALF_UP)
    if rounded.adjusted() >= kind.precision - kind.scale and rounded:
        raise ValueError
    return format(rounded, "f")


def _varchar(value: Any, kind: TrinoType) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text[: kind.length] if kind.length is not None else text


_SCALARS: Final[dict[str, Callable[[Any, TrinoType], str]]] = {
    "boolean": _boolean,
    **dict.fromkeys(_RANGES, _integer),
    "real": _double,
    "double": _double,
    "decimal": _decimal,
    "varchar": _varchar,
    "date": lambda value, _: str(value),
    "timestamp": lambda value, _: str(value),
}

FUNCTIONS: Final[Functions] = {
    "trino_json_parse": (_parse, ["VARCHAR"], "VARCHAR"),
    "trino_json_extract": (_extract, ["VARCHAR", "VARCHAR"], "VARCHAR"),
    "trino_json_extract_scalar": (_extract_scalar, ["VARCHAR", "VARCHAR"], "VARCHAR"),
    "trino_json_size": (_size, ["VARCHAR", "VARCHAR"], "BIGINT"),
    "trino_json_array_length": (_array_length, ["VARCHAR"], "BIGINT"),
    "trino_json_array_get": (_array_get, ["VARCHAR", "BIGINT"], "VARCHAR"),
    "trino_json_array_contains": (_array_contains, ["VARCHAR", "VARCHAR"], "BOOLEAN"),
    "trino_is_json_scalar": (_is_scalar, ["VARCHAR"], "BOOLEAN"),
    "trino_json_number": (double_json, ["DOUBLE"], "VARCHAR"),
    "trino_json_real": (_real_json, ["FLOAT"], "VARCHAR"),
    "trino_from_json": (_from_json, ["VARCHAR", "VARCHAR"], "VARCHAR"),
}
