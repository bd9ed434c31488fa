"""The Data API: Gold and Silver over HTTP, the same app on a laptop and in Lambda.

from finks_api import Client

Client("https://api.example.com", key).bars("IBM", "2012-01-01").polars()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from finks_api.client import Client


def __getattr__(name: str) -> Any:
    """Load the client at its first use: a server does without it."""
    if name == "Client":
        from finks_api.client import Client

        return Client
    raise AttributeError(f"module 'finks_api' has no attribute {name!r}")


__all__ = ["Client"]
