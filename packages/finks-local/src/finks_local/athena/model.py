"""Athena's own service model, as botocore ships it: which operations there are, and what a request may hold.

The texts and their order are those of AWS's JSON protocol: a value of the wrong JSON type is a
`SerializationException`; what the model forbids is an `InvalidRequestException` that lists every breach.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import botocore.session
from botocore.model import ServiceModel, Shape

from finks_local.athena.failures import invalid
from finks_local.wire import ServiceError

_SURROGATES: Final = r"\uD800\uDC00-\uDBFF\uDFFF"
_ASTRAL: Final = r"\U00010000-\U0010FFFF"
_NUMBERS: Final = ("integer", "long", "double", "float", "timestamp")
_SAID: Final = {"integer": "an Integer", "long": "a Long", "string": "a String", "boolean": "a Boolean"}

Members = dict[str, Any]


@cache
def service_model() -> ServiceModel:
    """The model of the Athena API."""
    return botocore.session.get_session().get_service_model("athena")


def validate(operation: str, request: Members) -> Members:
    """The request without its nulls and without members that the operation does not have.

    Raises:
        ServiceError: The operation is not Athena's, or the request is not of its shape.
    """
    model = service_model()
    if operation not in model.operation_names:
        raise ServiceError("UnknownOperationException", f"Athena has no operation {operation!r}.")
    shape = model.operation_model(operation).input_shape
    known = _typed(shape, request)
    breaches = list(_breaches(shape, known, ""))
    if breaches:
        plural = "s" if len(breaches) > 1 else ""
        raise invalid(f"{len(breaches)} validation error{plural} detected: {'; '.join(breaches)}")
    return known


def _typed(shape: Any, value: Any) -> Any:
    """The value, which must be of the shape's JSON type, without nulls and unknown members."""
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        members = {name: value[name] for name in shape.members if value.get(name) is not None}
        return {name: _typed(shape.members[name], member) for name, member in members.items()}
    if kind == "map" and isinstance(value, dict):
        return {name: _typed(shape.value, member) for name, member in value.items() if member is not None}
    if kind == "list" and isinstance(value, list):
        return [_typed(shape.member, member) for member in value if member is not None]
    if kind == "string" and isinstance(value, str):
        return value
    if kind == "boolean" and isinstance(value, bool):
        return value
    if kind in _NUMBERS and isinstance(value, int | float) and not isinstance(value, bool):
        return int(value) if kind in ("integer", "long") else value
    raise ServiceError("SerializationException", _mismatch(kind, value))


def _mismatch(kind: str, value: Any) -> str:
    if isinstance(value, list):
        return "Start of list found where not expected"
    if isinstance(value, dict):
        return "Start of structure or map found where not expected."
    if kind == "list":
        return "Expected list or null"
    if kind in ("structure", "map"):
        return "Expected null"
    names = {str: "STRING", bool: str(value).upper()}
    return f"{names.get(type(value), 'NUMBER')}_VALUE can not be converted to {_SAID.get(kind, 'a ' + kind.title())}"


def _breaches(shape: Any, value: Any, path: str) -> Iterator[str]:
    """What the model forbids, in AWS's words."""
    kind = shape.type_name
    if kind == "structure":
        for name in shape.required_members:
            if name not in value:
                yield f"Value null at '{_joined(path, name)}' failed to satisfy constraint: Member must not be null"
        for name, member in value.items():
            yield from _breaches(shape.members[name], member, _joined(path, name))
        return
    for rule in _broken_rules(shape, value):
        yield f"Value at '{path}' failed to satisfy constraint: Member must {rule}"
    if kind == "list":
        for number, member in enumerate(value, start=1):
            yield from _breaches(shape.member, member, f"{path}.{number}.member")
    elif kind == "map":
        for name, member in value.items():
            yield from _breaches(shape.value, member, f"{path}.{name}.member")


def _broken_rules(shape: Shape, value: Any) -> Iterator[str]:
    rules = shape.metadata
    size = value if isinstance(value, int | float) else len(value)
    measured = "value" if isinstance(value, int | float) else "length"
    if not isinstance(value, bool):
        if size < rules.get("min", size):
            yield f"have {measured} greater than or equal to {rules['min']}"
        if size > rules.get("max", size):
            yield f"have {measured} less than or equal to {rules['max']}"
    if "enum" in rules and value not in rules["enum"]:
        yield f"satisfy enum value set: [{', '.join(rules['enum'])}]"
    if "pattern" in rules and not _pattern(rules["pattern"]).fullmatch(str(value)):
        yield f"satisfy regular expression pattern: {rules['pattern']}"


@cache
def _pattern(text: str) -> re.Pattern[str]:
    """A pattern of the model, which is Java's: it spells characters beyond the basic plane as pairs."""
    return re.compile(text.replace(_SURROGATES, _ASTRAL))


def _joined(path: str, name: str) -> str:
    member = name[0].lower() + name[1:]
    return f"{path}.{member}" if path else member
