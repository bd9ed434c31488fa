"""Values as text in DuckDB's SQL: what Trino's cast to varchar gives."""

from __future__ import annotations

from finks_local.sql.types import DAY_SECOND, YEAR_MONTH
from finks_local.sql.value import Value, cast_sql
from finks_local.sql.zones import local, zone_of


def text_of(value: Value) -> str | None:
    """The text that Trino's cast to varchar gives; None when there is no such cast."""
    sql, kind = value.sql, value.type
    match kind.base:
        case "varchar" | "char" | "uuid":
            return sql
        case "boolean" | "tinyint" | "smallint" | "integer" | "bigint" | "decimal" | "date":
            return cast_sql(sql, "VARCHAR")
        case "double":
            return f"trino_double_text({sql})"
        case "real":
            return f"trino_real_text({sql})"
        case "timestamp":
            return timestamp_text(sql, kind.precision)
        case "time":
            return (
                f"left(strftime(DATE '1970-01-01' + {sql}, '%H:%M:%S.%f'), {8 + kind.precision + (kind.precision > 0)})"
            )
        case "timestamp with time zone":
            return f"({timestamp_text(local(value), kind.precision)} || ' ' || {zone_of(value)})"
        case "interval day to second" | "interval year to month":
            return interval_text(value)
        case _:
            return None


def timestamp_text(sql: str, digits: int) -> str:
    """A timestamp with that many digits after the second."""
    return f"left(strftime({sql}, '%Y-%m-%d %H:%M:%S.%f'), {19 + digits + (digits > 0)})"


def interval_text(value: Value) -> str:
    """An interval as Trino prints it: `2 00:00:00.000`, `3-0`."""
    macro = {DAY_SECOND: "trino_day_second_text", YEAR_MONTH: "trino_year_month_text"}[value.type]
    return f"{macro}({value.sql})"
