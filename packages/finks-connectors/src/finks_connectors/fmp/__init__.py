"""Financial Modeling Prep: market data over its `stable` REST API.

The plugin is `Fmp`; its record types are in `finks_connectors.fmp.contracts`; a server that answers as the
vendor does, without key or network, is `finks_connectors.fmp.simulator.SimulatedFmp`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from finks_connectors.fmp.source import Fmp, FmpConfig

__all__ = ["Fmp", "FmpConfig"]


def __getattr__(name: str) -> object:
    """Import the plugin when it is asked for: the simulated vendor starts without the contracts and their engine."""
    if name in __all__:
        from finks_connectors.fmp import source

        return getattr(source, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
