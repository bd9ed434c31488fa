"""Declared functions: signatures, how arguments find one, and how a template becomes SQL.

A signature is written as in Trino's documentation, `name(type, ...) -> type`. A single capital letter is a type
variable; `decimal`, `varchar`, `timestamp` and `zoned` stand for every precision, length and zone; `function(A,R)`
is a lambda; `...` after the last parameter repeats it. A template names arguments `$1`, `$2`, the DuckDB type of a
variable `#T`, and of the result `#R`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Final

from finks_local.sql.coercion import INTEGRAL, as_decimal, coerce, common_type, converts
from finks_local.sql.errors import QueryError
from finks_local.sql.types import UNKNOWN, TrinoType, parse_trino, timestamp, timestamp_tz
from finks_local.sql.value import Lambda, Value, fill

Argument = Value | Lambda


@dataclass(frozen=True, slots=True)
class Pattern:
    """A parameter's or a result's type with variables."""

    base: str
    args: tuple[Pattern, ...] = ()

    @property
    def variable(self) -> bool:
        """Whether it is a type variable."""
        return len(self.base) == 1

    def __str__(self) -> str:
        inner = ",".join(map(str, self.args))
        return f"{self.base}({inner})" if self.args else self.base


@dataclass(frozen=True, slots=True)
class Signature:
    """One overload of a function."""

    name: str
    parameters: tuple[Pattern, ...]
    result: Pattern
    template: str
    variadic: bool = False

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.parameters))})"


_WORD: Final = re.compile(r"\s*([A-Za-z_0-9]+|[(),]|->|\.\.\.)")


@cache
def read_signature(text: str, template: str) -> Signature:
    """A signature from its text."""
    tokens = _WORD.findall(text)
    name, rest = tokens[0], tokens[2:]
    parameters: list[Pattern] = []
    variadic = False
    while rest[0] != ")":
        if rest[0] == ",":
            rest = rest[1:]
        parameter, rest = _pattern(rest)
        parameters.append(parameter)
        if rest[0] == "...":
            variadic, rest = True, rest[1:]
    result, _ = _pattern(rest[2:])
    return Signature(name, tuple(parameters), result, template, variadic)


def _pattern(tokens: list[str]) -> tuple[Pattern, list[str]]:
    base, rest = tokens[0], tokens[1:]
    args: list[Pattern] = []
    if rest and rest[0] == "(":
        rest = rest[1:]
        while rest[0] != ")":
            if rest[0] == ",":
                rest = rest[1:]
            inner, rest = _pattern(rest)
            args.append(inner)
        rest = rest[1:]
    return Pattern(_SPELLINGS.get(base, base), tuple(args)), rest


_SPELLINGS: Final = {
    "zoned": "timestamp with time zone",
    "day_second": "interval day to second",
    "year_month": "interval year to month",
}
_OPEN: Final = {"decimal", "varchar", "timestamp", "timestamp with time zone", "char", "time"}


class NoMatchError(Exception):
    """The arguments do not fit this overload; the next one is tried."""


@dataclass(slots=True)
class Match:
    """The binding of one call to one signature."""

    exact: bool
    bound: dict[str, TrinoType] = field(default_factory=dict[str, TrinoType])

    def bind(self, pattern: Pattern, kind: TrinoType) -> None:
        """Take an argument's type for a parameter."""
        if pattern.variable:
            self._bind_variable(pattern.base, kind)
        elif kind == UNKNOWN:
            return
        elif pattern.args:
            if kind.base != pattern.base or len(kind.args) != len(pattern.args):
                raise NoMatchError
            for inner, arg in zip(pattern.args, kind.args, strict=True):
                self.bind(inner, arg)
        elif kind.base != pattern.base and (self.exact or not _widens(kind, pattern.base)):
            raise NoMatchError

    def _bind_variable(self, name: str, kind: TrinoType) -> None:
        before = self.bound.get(name)
        if before is None:
            self.bound[name] = kind
            return
        common = common_type(before, kind)
        if common is None or (self.exact and UNKNOWN not in (before, kind) and common != before):
            raise NoMatchError
        self.bound[name] = common

    def concrete(self, pattern: Pattern, actual: TrinoType | None = None) -> TrinoType:
        """The type that a pattern stands for now."""
        if pattern.variable:
            return self.bound.get(pattern.base, UNKNOWN)
        if pattern.args:
            args = tuple(self.concrete(inner) for inner in pattern.args)
            return TrinoType(pattern.base, args=args, names=(None,) * len(args) if pattern.base == "row" else ())
        if pattern.base in _OPEN and actual is not None and actual != UNKNOWN:
            return _opened(actual, pattern.base)
        return parse_trino(pattern.base)


def _widens(kind: TrinoType, base: str) -> bool:
    if base == "decimal":
        return kind.base in INTEGRAL
    if base in {"timestamp", "timestamp with time zone"}:
        return converts(kind, parse_trino(base).with_zone(kind.zone)) or kind.base == "date"
    if base == "timestamp with time zone":
        return kind.base in {"date", "timestamp"}
    if base in _OPEN:
        return base == "varchar" and kind.base == "char"
    return converts(kind, parse_trino(base))


def _opened(actual: TrinoType, base: str) -> TrinoType:
    if actual.base == base:
        return actual
    if base == "decimal":
        return as_decimal(actual)
    digits = actual.params[0] if actual.params else 3
    return {"timestamp": timestamp(digits), "timestamp with time zone": timestamp_tz(digits)}.get(
        base, parse_trino(base)
    )


def resolve(
    name: str, overloads: Sequence[Signature], arguments: Sequence[Argument]
) -> tuple[Signature, Match, list[str]]:
    """The overload that the arguments call, its types, and the arguments' SQL.

    Exact types win over widened ones; among widened ones the first in order of declaration.

    Raises:
        QueryError: FUNCTION_NOT_FOUND: "Unexpected parameters", as Trino says it.
    """
    for exact in (True, False):
        for signature in overloads:
            try:
                return (signature, *_try(signature, arguments, exact))
            except NoMatchError:
                continue
    given = ", ".join(a.type.trino if isinstance(a, Value) else "function" for a in arguments)
    expected = ", ".join(map(str, overloads))
    raise QueryError("FUNCTION_NOT_FOUND", f"Unexpected parameters ({given}) for function {name}. Expected: {expected}")


def _try(signature: Signature, arguments: Sequence[Argument], exact: bool) -> tuple[Match, list[str]]:
    parameters = list(signature.parameters)
    if signature.variadic and len(arguments) > len(parameters):
        parameters += [parameters[-1]] * (len(arguments) - len(parameters))
    if len(parameters) != len(arguments):
        raise NoMatchError
    match = Match(exact)
    pairs = list(zip(parameters, arguments, strict=True))
    for parameter, argument in pairs:
        if isinstance(argument, Value):
            match.bind(parameter, argument.type)
        elif parameter.base != "function" or len(parameter.args) - 1 != argument.arity:
            raise NoMatchError
    return match, [_argument_sql(match, parameter, argument) for parameter, argument in pairs]


def _argument_sql(match: Match, parameter: Pattern, argument: Argument) -> str:
    if isinstance(argument, Value):
        if parameter.base == "function":
            raise NoMatchError
        return coerce(argument, match.concrete(parameter, argument.type)).sql
    *inputs, output = parameter.args
    names, body = argument.bind(tuple(match.concrete(inner) for inner in inputs))
    if output.variable and output.base in match.bound:
        if not converts(body.type, match.bound[output.base]):
            raise NoMatchError
    else:
        match.bind(output, body.type)
    body = coerce(body, match.concrete(output, body.type))
    return f"lambda {', '.join(names)}: {body.sql}"


def emit(signature: Signature, match: Match, arguments: list[str]) -> Value:
    """The call in DuckDB's SQL."""
    result = match.concrete(signature.result)
    template = signature.template
    if "..." in template:
        template = template.replace("...", ", ".join(f"${i}" for i in range(1, len(arguments) + 1)))
    for name, kind in match.bound.items():
        template = template.replace(f"#{name}", kind.duckdb)
    template = template.replace("#R", result.duckdb)
    return Value(fill(template, arguments), result)


@dataclass(frozen=True, slots=True)
class Call:
    """A call that a handler translates.

    Args:
        name: In lower case.
        args: Analysed arguments.
        now: The time of the query, in UTC.
        database: The session's database.
    """

    name: str
    args: tuple[Argument, ...]
    now: datetime
    database: str

    def values(self, least: int, most: int | None = None) -> list[Value]:
        """The arguments, when there are as many and no lambda is among them."""
        found = [argument for argument in self.args if isinstance(argument, Value)]
        if len(found) != len(self.args) or not least <= len(found) <= (least if most is None else most):
            raise self.unexpected()
        return found

    def unexpected(self) -> QueryError:
        """What Trino says when no overload fits."""
        given = ", ".join(a.type.trino if isinstance(a, Value) else "function" for a in self.args)
        return QueryError("FUNCTION_NOT_FOUND", f"Unexpected parameters ({given}) for function {self.name}")


Handler = Callable[[Call], Value]


@dataclass(slots=True)
class Family:
    """The functions of one module."""

    overloads: dict[str, list[Signature]] = field(default_factory=dict[str, list[Signature]])
    handlers: dict[str, Handler] = field(default_factory=dict[str, Handler])

    def declare(self, table: Mapping[str, str]) -> None:
        """Take a table of signature → template."""
        for text, template in table.items():
            signature = read_signature(text, template)
            self.overloads.setdefault(signature.name, []).append(signature)

    def handles(self, *names: str) -> Callable[[Handler], Handler]:
        """Make a function the handler of these names."""

        def register(handler: Handler) -> Handler:
            for name in names:
                self.handlers[name] = handler
            return handler

        return register
