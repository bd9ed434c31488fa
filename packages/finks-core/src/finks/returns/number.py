"""What a number may be on the way in, and how it becomes exact."""

from __future__ import annotations

from decimal import Decimal

from finks.errors import DataError

Number = Decimal | int | float


def exact(value: Number) -> Decimal:
    """The number as a decimal; a float counts as the shortest text that gives it, so 0.1 is one tenth."""
    return Decimal(str(value))


def require_positive(value: Number, name: str) -> None:
    """Raises DataError unless the value is greater than zero."""
    if not value > 0:
        raise DataError(f"{name} must be positive", where=name, expected="a number greater than 0", got=str(value))
