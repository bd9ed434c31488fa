"""From the text of a check to its typed tree, refusing whatever is not in the subset."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from finks.contract.checks import ARITHMETIC, COMPARE, Absent, Arithmetic, Compare, Every, Literal, Name, Node, Not
from finks.contract.spec import FieldSpec, Kind
from finks.errors import ConfigurationError

_HINT = "a check may use fields, numbers, texts, < <= > >= == !=, and, or, not, + - * on decimals, is None"
_NUMBERS = (Kind.DECIMAL, Kind.INTEGER)


def parse(expression: str, fields: Mapping[str, FieldSpec], where: str) -> Node:
    """The typed tree of a check.

    Args:
        expression: For example `low <= open and low <= close`.
        fields: The contract's fields by name.
        where: The contract and check, for the message.

    Raises:
        ConfigurationError: The text is outside the subset, names an unknown field or mixes kinds.
    """
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except (SyntaxError, ValueError) as error:
        raise _wrong("a check does not parse", where, expression, str(error)) from error
    node = _Parser(expression.strip(), fields, where).node(tree.body)
    if node.kind is not Kind.BOOLEAN:
        raise _wrong("a check must be true or false", where, expression, node.kind.value)
    return node


def _wrong(message: str, where: str, expression: str, got: str) -> ConfigurationError:
    return ConfigurationError(message, where=f"{where}: {expression}", got=got, hint=_HINT)


@dataclass(frozen=True, slots=True)
class _Parser:
    text: str
    fields: Mapping[str, FieldSpec]
    where: str

    def node(self, tree: ast.expr) -> Node:
        match tree:
            case ast.Name(id=name):
                return self._name(name)
            case ast.Constant():
                return self._constant(tree)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float())):
                return self._constant(tree)
            case ast.UnaryOp(op=ast.Not()):
                return Not(self._truth(tree.operand))
            case ast.BoolOp():
                return Every(tuple(self._truth(part) for part in tree.values), isinstance(tree.op, ast.Or))
            case ast.BinOp():
                return self._arithmetic(tree)
            case ast.Compare():
                return self._compare(tree)
            case _:
                raise self._refuse(tree)

    def _refuse(self, tree: ast.AST) -> ConfigurationError:
        got = ast.get_source_segment(self.text, tree) if isinstance(tree, ast.expr) else type(tree).__name__
        return _wrong("a check uses what checks do not know", self.where, self.text, got or type(tree).__name__)

    def _name(self, name: str) -> Name:
        spec = self.fields.get(name)
        if spec is None:
            raise ConfigurationError(
                f"a check names the unknown field {name}",
                where=f"{self.where}: {self.text}",
                expected=", ".join(self.fields),
                hint="correct the name or declare the field",
            )
        return Name(name, spec.kind)

    def _constant(self, tree: ast.expr) -> Literal:
        # The source text keeps 0.1 exact; the parsed constant is a binary float.
        text = (ast.get_source_segment(self.text, tree) or "").replace(" ", "")
        constant = tree.operand if isinstance(tree, ast.UnaryOp) else tree
        value = constant.value if isinstance(constant, ast.Constant) else None
        if isinstance(value, bool):
            return Literal(value, Kind.BOOLEAN)
        if isinstance(value, str):
            return Literal(value, Kind.STRING)
        if isinstance(value, int | float):
            return Literal(Decimal(text.replace("_", "")), Kind.DECIMAL)
        raise self._refuse(tree)

    def _truth(self, tree: ast.expr) -> Node:
        node = self.node(tree)
        if node.kind is not Kind.BOOLEAN:
            raise _wrong("and, or, not take comparisons", self.where, self.text, node.kind.value)
        return node

    def _arithmetic(self, tree: ast.BinOp) -> Node:
        left, right = self.node(tree.left), self.node(tree.right)
        if type(tree.op) not in ARITHMETIC or left.kind not in _NUMBERS or right.kind not in _NUMBERS:
            raise self._refuse(tree)
        return Arithmetic(type(tree.op), left, right)

    def _compare(self, tree: ast.Compare) -> Node:
        operands = [tree.left, *tree.comparators]
        parts = [self._pair(op, operands[i], operands[i + 1]) for i, op in enumerate(tree.ops)]
        return parts[0] if len(parts) == 1 else Every(tuple(parts), any_of=False)

    def _pair(self, op: ast.cmpop, left: ast.expr, right: ast.expr) -> Node:
        if isinstance(op, ast.Is | ast.IsNot):
            if not (isinstance(right, ast.Constant) and right.value is None):
                raise self._refuse(right)
            return Absent(self.node(left), isinstance(op, ast.IsNot))
        if type(op) not in COMPARE:
            raise self._refuse(op)
        a, b = self._aligned(self.node(left), self.node(right))
        return Compare(type(op), a, b)

    def _aligned(self, left: Node, right: Node) -> tuple[Node, Node]:
        """The two sides with a literal read as the other side's kind; mixed kinds are refused."""
        if isinstance(left, Literal):
            left = self._read_as(left, right.kind)
        if isinstance(right, Literal):
            right = self._read_as(right, left.kind)
        same = left.kind is right.kind or {left.kind, right.kind} <= set(_NUMBERS)
        if not same:
            raise _wrong("a check compares unlike kinds", self.where, self.text, f"{left.kind} with {right.kind}")
        return left, right

    def _read_as(self, literal: Literal, kind: Kind) -> Literal:
        value = literal.value
        if kind is Kind.FLOAT and isinstance(value, Decimal):
            return Literal(float(value), kind)
        if kind is Kind.DATE and isinstance(value, str):
            return Literal(self._moment(value).date(), kind)
        if kind is Kind.TIMESTAMP and isinstance(value, str):
            moment = self._moment(value)
            return Literal(moment.replace(tzinfo=moment.tzinfo or UTC), kind)
        return literal

    def _moment(self, text: str) -> datetime:
        try:
            return datetime.fromisoformat(text)
        except ValueError as error:
            raise _wrong("a check compares with what is no date", self.where, self.text, text) from error
