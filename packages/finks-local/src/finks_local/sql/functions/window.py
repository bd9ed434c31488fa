"""Window functions (functions/window): ranking and value functions, frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from finks_local.sql.coercion import INTEGRAL, NUMERIC, coerce
from finks_local.sql.errors import QueryError
from finks_local.sql.functions.registry import Argument, Family, emit, resolve
from finks_local.sql.types import BIGINT, DAY_SECOND, YEAR_MONTH
from finks_local.sql.value import Value, cast_sql

windows = Family()
windows.declare(
    {
        "row_number() -> bigint": "row_number(){n}",
        "rank() -> bigint": "rank(){n}",
        "dense_rank() -> bigint": "dense_rank(){n}",
        "percent_rank() -> double": "percent_rank(){n}",
        "cume_dist() -> double": "cume_dist(){n}",
        "ntile(bigint) -> bigint": "ntile($1){n}",
        "first_value(T) -> T": "first_value($1{n})",
        "last_value(T) -> T": "last_value($1{n})",
        "nth_value(T, bigint) -> T": "nth_value($1, $2{n})",
        "lag(T) -> T": "lag($1{n})",
        "lag(T, bigint) -> T": "lag($1, $2{n})",
        "lag(T, bigint, T) -> T": "lag($1, $2, $3{n})",
        "lead(T) -> T": "lead($1{n})",
        "lead(T, bigint) -> T": "lead($1, $2{n})",
        "lead(T, bigint, T) -> T": "lead($1, $2, $3{n})",
    }
)
_RANKING: Final = {"row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile"}
_FRAMELESS: Final = _RANKING | {"lag", "lead"}


@dataclass(frozen=True, slots=True)
class Window:
    """What stands in the parentheses of OVER, in SQL.

    Args:
        partition: Keys.
        order: Terms with their direction.
        keys: The values behind `order`.
        frame: The frame clause, or nothing.
    """

    partition: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    keys: tuple[Value, ...] = ()
    frame: str = ""

    @property
    def sql(self) -> str:
        """With its parentheses."""
        parts = [f"PARTITION BY {', '.join(self.partition)}"] if self.partition else []
        parts += [f"ORDER BY {', '.join(self.order)}"] if self.order else []
        return f"({' '.join([*parts, self.frame]).strip()})"


def window_sql(name: str, args: Sequence[Argument], over: Window, nulls: str) -> Value:
    """A window function's call.

    Raises:
        QueryError: FUNCTION_NOT_FOUND, MISSING_ORDER_BY, INVALID_WINDOW_FRAME.
    """
    if name in _FRAMELESS:
        if name in {"lag", "lead"} and not over.order:
            raise QueryError("MISSING_ORDER_BY", f"{name} function requires an ORDER BY window clause")
        if over.frame:
            raise QueryError("INVALID_WINDOW_FRAME", f"Cannot specify window frame for {name} function")
    if nulls and name in _RANKING:
        raise QueryError("FUNCTION_NOT_WINDOW", f"Cannot specify null treatment clause for {name} function")
    value = emit(*resolve(name, windows.overloads[name], args))
    treatment = " IGNORE NULLS" if nulls == "IGNORE NULLS" else ""
    return Value(f"{value.sql.replace('{n}', treatment)} OVER {over.sql}", value.type)


@dataclass(frozen=True, slots=True)
class FrameBound:
    """One end of a frame.

    Args:
        word: `UNBOUNDED` or `CURRENT ROW`; empty with an offset.
        side: `PRECEDING` or `FOLLOWING`.
        offset: The distance.
    """

    word: str
    side: str
    offset: Value | None

    def sql(self, kind: str, keys: Sequence[Value]) -> str:
        """The bound in a frame of `kind` over rows sorted by `keys`.

        Raises:
            QueryError: TYPE_MISMATCH, MISSING_ORDER_BY.
        """
        if self.offset is None:
            return f"{self.word} {self.side}".strip()
        if kind != "RANGE":
            if self.offset.type.base not in INTEGRAL:
                raise QueryError(
                    "TYPE_MISMATCH",
                    f"Window frame {kind} value type must be exact numeric type with scale 0 "
                    f"(actual {self.offset.type})",
                )
            return f"{coerce(self.offset, BIGINT).sql} {self.side}"
        if len(keys) != 1:
            raise QueryError(
                "MISSING_ORDER_BY" if not keys else "INVALID_ORDER_BY",
                "Window frame of type RANGE PRECEDING or FOLLOWING requires single sort item in ORDER BY",
            )
        return f"{self._distance(keys[0])} {self.side}"

    def _distance(self, key: Value) -> str:
        offset = self.offset
        if offset is None:
            raise QueryError("TYPE_MISMATCH", "Window frame without offset")
        temporal = key.type.base in {"date", "timestamp", "timestamp with time zone"}
        if temporal and offset.type == DAY_SECOND:
            return f"to_milliseconds({offset.sql})"
        if temporal and offset.type == YEAR_MONTH:
            return f"to_months({offset.sql})"
        if key.type.base in NUMERIC and offset.type.base in NUMERIC:
            return cast_sql(offset.sql, key.type.duckdb)
        raise QueryError(
            "TYPE_MISMATCH",
            f"Window frame RANGE value type ({offset.type}) not compatible with sort item type ({key.type})",
        )
