"""Rules on the tree of a statement: what Athena does not have, and what has another meaning on DuckDB."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from sqlglot import exp

from finks_local.portable.findings import Finding
from finks_local.portable.functions import ATHENA, OTHER_MEANING

WHOLE = exp.DataType.INTEGER_TYPES
FLOATING = {exp.DataType.Type.DOUBLE, exp.DataType.Type.FLOAT}
FRACTIONS = FLOATING | {exp.DataType.Type.DECIMAL}
TEXT = exp.DataType.TEXT_TYPES
NUMBERS = WHOLE | FRACTIONS


def unlike(tree: exp.Expr, text: str) -> Iterator[Finding]:
    """What the tree gives away; types are used where they were found."""
    for node in tree.walk():
        match node:
            case exp.Div():
                yield from _division(node)
            case exp.Sum() | exp.Avg():
                yield from _aggregate(node)
            case exp.DateDiff():
                yield from _difference(node)
            case exp.Cast() if not _rounded(node.this):
                yield from _cast(node)
            case exp.EQ() | exp.NEQ() | exp.LT() | exp.LTE() | exp.GT() | exp.GTE():
                yield from _comparison(node)
            case exp.Pivot() | exp.TableSample():
                yield _finding(node, type(node).__name__.lower(), "Athena does not have it like that")
            case _:
                pass
        if isinstance(node, exp.Func):
            yield from _function(node, text)


def reduced_stars(tree: exp.Expr) -> Iterator[Finding]:
    """Before stars are expanded: `* exclude (…)`, `* replace (…)`, `* rename (…)`."""
    for star in tree.find_all(exp.Star):
        if any(star.args.values()):
            yield _finding(star, "star without some columns", "name the columns")


def _function(node: exp.Func, text: str) -> Iterator[Finding]:
    """By the name as it was written: the parser turns the names of other dialects into Athena's."""
    if "start" not in node.meta:
        return
    name = text[node.meta["start"] : node.meta["end"] + 1].lower()
    if not name.isidentifier():
        return
    if name not in ATHENA:
        yield _finding(node, f"{name}()", "Athena has no such function")
    elif name == "date_trunc" and not isinstance(node.parent, exp.Cast):
        yield _finding(node, "date_trunc()", "DuckDB gives a timestamp, Athena the argument's type: cast the result")
    elif name in OTHER_MEANING:
        yield _finding(node, f"{name}()", OTHER_MEANING[name])


def _division(node: exp.Div) -> Iterator[Finding]:
    if not (_is(node.left, FLOATING) or _is(node.right, FLOATING)):
        yield _finding(node, "division", "of whole numbers or decimals is different: cast one side as double")


def _cast(node: exp.Cast) -> Iterator[Finding]:
    if _is(node.to, WHOLE) and _is(node.this, FRACTIONS):
        yield _finding(node, "cast of a fraction to a whole number", "they round halves differently: round(…)")
    if _is(node.to, {exp.DType.DECIMAL}) and _is(node.this, FLOATING):
        advice = "rounds a text on Athena and a product on DuckDB: cast(round(x * 1e9) as decimal(18, 0)) and multiply"
        yield _finding(node, "cast of a float to a decimal", advice)


def _aggregate(node: exp.Sum | exp.Avg) -> Iterator[Finding]:
    outer = node.parent if isinstance(node.parent, (exp.Window, exp.Filter)) else node
    outer = outer.parent if isinstance(outer.parent, exp.Window) else outer
    if isinstance(node, exp.Sum) and _is(node.this, WHOLE) and not isinstance(outer.parent, exp.Cast):
        yield _finding(node, "sum of whole numbers", "DuckDB gives hugeint: cast(sum(…) as bigint)")
    if isinstance(node, exp.Avg) and not _is(node.this, FLOATING):
        yield _finding(node, "avg", "of decimals is a decimal on Athena only: avg(cast(… as double))")


def _difference(node: exp.DateDiff) -> Iterator[Finding]:
    """`date_diff(unit, from, to)`: boundaries crossed on DuckDB, whole units on Athena; for days of dates the same."""
    timed = any(_is(side, exp.DataType.TEMPORAL_TYPES - {exp.DataType.Type.DATE}) for side in node.unnest_operands())
    if node.text("unit").lower() not in {"day", "days"} or timed:
        yield _finding(node, "date_diff", "counts boundaries on DuckDB and whole units on Athena: days of dates only")


def _comparison(node: exp.Binary) -> Iterator[Finding]:
    kinds = (node.left, node.right)
    if any(_is(side, TEXT) for side in kinds) and any(_is(side, NUMBERS) for side in kinds):
        yield _finding(node, "text compared with a number", "Athena refuses it: cast one side")


def _rounded(node: exp.Expr) -> bool:
    return isinstance(node.unnest(), (exp.Round, exp.Floor, exp.Ceil))


def _is(node: exp.Expr | None, types: AbstractSet[exp.DType]) -> bool:
    if node is None:
        return False
    kind = node if isinstance(node, exp.DataType) else node.type
    return kind is not None and kind.this in types


def _finding(node: exp.Expr, construct: str, advice: str) -> Finding:
    return Finding(_line(node), construct, advice)


def _line(node: exp.Expr) -> int:
    """Of the node, else of the first word in it, else of what it stands in."""
    for inner in node.walk(bfs=False):
        if "line" in inner.meta:
            return int(inner.meta["line"])
    return _line(node.parent) if node.parent is not None else 1
