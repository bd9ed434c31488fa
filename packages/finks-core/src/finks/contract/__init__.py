"""What a record must be: declare it, compile it, enforce it."""

from finks.contract.declare import (
    Contract,
    Currency,
    Symbol,
    check,
    field,
    key,
    money,
    price,
    quantity,
    ratio,
    text,
)
from finks.contract.decode import Decoding
from finks.contract.kernel import KernelResult, enforce_responses, filter, validate
from finks.contract.spec import CompiledContract

__all__ = [
    "CompiledContract",
    "Contract",
    "Currency",
    "Decoding",
    "KernelResult",
    "Symbol",
    "check",
    "enforce_responses",
    "field",
    "filter",
    "key",
    "money",
    "price",
    "quantity",
    "ratio",
    "text",
    "validate",
]
