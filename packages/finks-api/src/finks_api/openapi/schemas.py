"""A schema of OpenAPI 3.1 (JSON Schema 2020-12) as OpenAPI 3.0 writes it. Pure.

What 3.0 cannot say is refused, never dropped in silence: a keyword that is in none of the lists below is a defect.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from finks.errors import InvariantError

Node = Mapping[str, Any]

_KEPT: Final = frozenset({
    "additionalProperties", "allOf", "anyOf", "default", "description", "enum", "format", "items", "maxItems",
    "maxLength", "maximum", "minItems", "minLength", "minimum", "multipleOf", "not", "oneOf", "pattern",
    "properties", "required", "title", "type", "uniqueItems",
})  # fmt: skip
"""What both versions write alike."""

_DROPPED: Final = frozenset({"$defs", "deprecated", "discriminator", "example", "examples", "readOnly", "writeOnly"})
"""What says nothing about a value's form, or what API Gateway does not support.

Source: "Amazon API Gateway important notes", the part on REST APIs.
"""

_NULL: Final = {"type": "string", "nullable": True, "enum": [None]}
_BOUNDS: Final = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}
_REFERENCE: Final = re.compile(r"#/(?:components/schemas|\$defs)/([^/]+)")


def converted(schemas: Mapping[str, Node]) -> dict[str, Any]:
    """Named schemas, with those of their own `$defs` beside them.

    Raises:
        InvariantError: Two have one name in letters and digits, or one has a keyword that 3.0 has not.
    """
    found: dict[str, Any] = {}
    for name, schema in [*schemas.items(), *_local(list(schemas.values()))]:
        short, new = model_name(name), convert(schema)
        if found.setdefault(short, new) != new:
            raise InvariantError("Two schemas have one name.", where=name, got=short)
    return found


def model_name(name: str) -> str:
    """A name in letters and digits alone, the only ones that API Gateway takes for a model."""
    parts = re.split(r"[^A-Za-z0-9]+", name)
    return parts[0] + "".join(part[:1].upper() + part[1:] for part in parts[1:])


def convert(schema: Node) -> dict[str, Any]:
    """One schema in 3.0.

    Raises:
        InvariantError: It has a keyword that 3.0 has not.
    """
    if "$ref" in schema:
        return _reference(schema)
    alternatives = schema.get("anyOf", [])
    if {"type": "null"} in alternatives:
        return _nullable(schema, [each for each in alternatives if each != {"type": "null"}])
    new: dict[str, Any] = {}
    for keyword, value in schema.items():
        part = _keyword(keyword, value)
        if part.keys() & new.keys():
            raise InvariantError("OpenAPI 3.0 cannot say both.", got=f"{keyword} beside {', '.join(new)}")
        new |= part
    return new


def _reference(schema: Node) -> dict[str, Any]:
    """In 3.0 nothing may stand beside a `$ref`, so what does gets a room of its own."""
    match = _REFERENCE.fullmatch(schema["$ref"])
    if match is None:
        raise InvariantError("A schema refers to something that is no schema of the document.", got=schema["$ref"])
    reference = {"$ref": f"#/components/schemas/{model_name(match[1])}"}
    beside = convert({keyword: value for keyword, value in schema.items() if keyword != "$ref"})
    return {"allOf": [reference], **beside} if beside else reference


def _nullable(schema: Node, others: Sequence[Node]) -> dict[str, Any]:
    """`anyOf` with null. The mark `nullable` has an effect only beside a `type`; elsewhere null is an alternative."""
    beside = {keyword: value for keyword, value in schema.items() if keyword != "anyOf"}
    if len(others) == 1 and "type" in (new := convert({**others[0], **beside})):
        values = {"enum": [*new["enum"], None]} if "enum" in new else {}
        return {**new, "nullable": True, **values}
    return {**convert(beside), "anyOf": [*(convert(each) for each in others), _NULL]}


def _keyword(keyword: str, value: Any) -> dict[str, Any]:
    match keyword:
        case "type" if isinstance(value, list):
            return _types(cast("list[str]", value))
        case "const":
            return {"enum": [value]}
        case "exclusiveMinimum" | "exclusiveMaximum":
            return {_BOUNDS[keyword]: value, keyword: True}
        case "properties":
            return {keyword: {name: convert(each) for name, each in value.items()}}
        case "allOf" | "anyOf" | "oneOf":
            return {keyword: [convert(each) for each in value]}
        case "items" | "not" | "additionalProperties" if isinstance(value, Mapping):
            return {keyword: convert(cast("Node", value))}
        case _ if keyword in _KEPT:
            return {keyword: value}
        case _ if keyword in _DROPPED:
            return {}
        case _:
            raise InvariantError("OpenAPI 3.0 has no such keyword.", got=keyword)


def _types(types: Sequence[str]) -> dict[str, Any]:
    """A list of types: 3.0 has one type, and a mark for null."""
    others: list[Node] = [{"type": each} for each in types if each != "null"]
    return _nullable({}, others) if "null" in types else {"anyOf": others}


def _local(node: Any) -> list[tuple[str, Node]]:
    """The `$defs` in a schema, at any depth."""
    if isinstance(node, Mapping):
        children = cast("Node", node)
        own = list(cast("Mapping[str, Node]", children.get("$defs", {})).items())
        return own + [each for child in children.values() for each in _local(child)]
    if isinstance(node, list):
        return [each for child in cast("list[Any]", node) for each in _local(child)]
    return []
