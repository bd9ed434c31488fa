"""A simulated Financial Modeling Prep: a real HTTP server with the vendor's shapes, caps, limits and errors.

It serves real public-domain prices (see `market`), real splits and dividends, and the European Central Bank's
reference rates (see `currency`). Income statements are made up (see `statements`). Install the extra `simulator`;
then, in a program

    with SimulatedFmp() as vendor:
        source = Fmp(FmpConfig(api_key="simulated", base_url=vendor.url, symbols=["AAPL"]))

or in a shell: `python -m finks_connectors.fmp.simulator --port 8000`.
"""

from __future__ import annotations

from finks_connectors.fmp.simulator.server import SimulatedFmp
from finks_connectors.fmp.simulator.vendor import Call

__all__ = ["Call", "SimulatedFmp"]
