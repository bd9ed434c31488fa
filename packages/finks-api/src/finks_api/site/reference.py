"""What the page says of an OpenAPI document: parameters, answers, fields. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, cast

Node = Mapping[str, Any]

_LIMITS: Final = (("minimum", "at least {}"), ("maximum", "at most {}"), ("maxLength", "at most {} characters"))
_WORDS: Final = {"string": "text", "date-time": "time", "int64": "integer", "double": "number"}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the document."""

    method: str
    path: str
    node: Node

    @property
    def id(self) -> str:
        """Its operationId."""
        return self.node["operationId"]

    @property
    def secured(self) -> bool:
        """Whether it needs a key."""
        return bool(self.node.get("security"))

    @property
    def parameters(self) -> Sequence[Node]:
        """Its parameters, those of the path first."""
        return sorted(self.node.get("parameters", []), key=lambda each: each["in"] != "path")

    @property
    def media_types(self) -> Sequence[str]:
        """What it answers in."""
        return list(self.node["responses"]["200"].get("content", {}))


@dataclass(frozen=True)
class Reference:
    """An OpenAPI 3.1 document, to be read in the order of a reader."""

    document: Node

    @cached_property
    def operations(self) -> Sequence[Operation]:
        """All of them, in the document's order."""
        items = self.document["paths"].items()
        return [Operation(method, path, node) for path, item in items for method, node in item.items()]

    @cached_property
    def common(self) -> Mapping[str, Node]:
        """The parameters that mean the same in most operations, by name: they are told once."""
        seen: Counter[str] = Counter()
        first: dict[str, Node] = {}
        for operation in self.operations:
            for parameter in operation.parameters:
                if first.setdefault(parameter["name"], parameter) == parameter:
                    seen[parameter["name"]] += 1
        return {name: first[name] for name, times in seen.items() if times > len(self.operations) / 2}

    def of_tag(self, tag: str) -> Sequence[Operation]:
        """The operations of a tag."""
        return [each for each in self.operations if tag in each.node.get("tags", [])]

    def answer(self, operation: Operation) -> Node:
        """The schema of what an operation answers with as JSON."""
        return self.resolved(operation.node["responses"]["200"]["content"]["application/json"]["schema"])

    def resolved(self, schema: Node) -> Node:
        """The schema that a reference means."""
        if "$ref" not in schema:
            return schema
        return self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]

    def fields(self, schema: Node, prefix: str = "") -> Iterator[tuple[str, str, str]]:
        """Name, type and description of each field, those of nested records after their own."""
        for name, node in schema.get("properties", {}).items():
            field = self.resolved(node)
            yield prefix + name, kind(field), field.get("description", "")
            inner = self.resolved(field.get("items", {}))
            if "properties" in inner:
                yield from self.fields(inner, f"{prefix}{name}[].")


def kind(schema: Node) -> str:
    """A schema's type in words: `date`, `decimal or null`, `json | csv`, `list of text`."""
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2]
    if alternatives := schema.get("anyOf"):
        return " or ".join(kind(each) for each in alternatives)
    types = schema.get("type", "object")
    if not isinstance(types, str):
        return " or ".join(kind({**schema, "type": each}) for each in cast("list[str]", types))
    if "enum" in schema:
        return " | ".join(schema["enum"])
    if types == "array":
        return f"list of {kind(schema['items'])}"
    name = types if types == "null" else schema.get("format", types)
    return _WORDS.get(name, name)


def limits(schema: Node) -> str:
    """What a value is held to besides its type: `1000 when absent, at least 1, at most 5000`."""
    told = [f"{schema['default']} when absent"] if schema.get("default") is not None else []
    for each in [schema, *schema.get("anyOf", [])]:
        told += [text.format(each[name]) for name, text in _LIMITS if name in each]
    return ", ".join(told)
