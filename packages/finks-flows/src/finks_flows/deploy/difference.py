"""What differs between what is wanted and what a server has, field by field."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from finks_flows.deploy.plan import Wanted

_ABSENT = object()
_LONGEST = 120


@dataclass(frozen=True, slots=True)
class Field:
    """One value that is another: where it is, with dots, and both as text."""

    path: str
    wanted: str
    found: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it is wanted.

    Attributes:
        kind: For example `deployment`.
        name: Its name.
        change: What `finks deploy` does about it.
        fields: What is to be updated.
    """

    kind: str
    name: str
    change: Literal["create", "update", "remove"]
    fields: Sequence[Field] = ()

    def __str__(self) -> str:
        """Several lines for a person."""
        if self.change == "create":
            return f"{self.kind} {self.name!r}: it is not there"
        if self.change == "remove":
            return f"{self.kind} {self.name!r}: finks made it and no longer wants it"
        lines = [f"  {each.path}: wanted {each.wanted}, found {each.found}" for each in self.fields]
        return "\n".join([f"{self.kind} {self.name!r}:", *lines])


def compare(wanted: Wanted, found: Mapping[str, Any]) -> list[Field]:
    """The fields of a thing that are not as wanted. Fields of which nothing is said may be as they like."""
    fields = {name: found.get(name, _ABSENT) for name in wanted.fields}
    differing: list[Field] = []
    for path, left, right in _walk("", _plain(wanted.fields), _plain(fields)):
        secret = path.split(".")[0] in wanted.secret
        differing.append(Field(path, *(("a secret", "another") if secret else (_shown(left), _shown(right)))))
    return differing


def _walk(path: str, left: Any, right: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        for key in [*left, *(key for key in right if key not in left)]:
            below = f"{path}.{key}" if path else str(key)
            yield from _walk(below, left.get(key, _ABSENT), right.get(key, _ABSENT))
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for index, (one, other) in enumerate(zip(left, right, strict=True)):
            yield from _walk(f"{path}.{index}", one, other)
    elif left != right:
        yield path, left, right


def _plain(value: Any) -> Any:
    """The same, with only what JSON has; what a server lacks stays told from null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


def _shown(value: Any) -> str:
    text = "nothing" if value is _ABSENT else json.dumps(value, default=str)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
