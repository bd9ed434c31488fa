"""`python -m finks_connectors.fmp.simulator`: serve until interrupted."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from typing import get_args

from finks_connectors.fmp.simulator import SimulatedFmp
from finks_connectors.fmp.simulator.plans import Plan


def main() -> None:
    """Read the options, serve, print the address to give as `base_url`."""
    parser = argparse.ArgumentParser(prog="python -m finks_connectors.fmp.simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--api-key", default="simulated", help="the key that is accepted")
    parser.add_argument("--plan", choices=get_args(Plan), default="ultimate")
    parser.add_argument("--today", type=date.fromisoformat, default=date(2013, 3, 1), help="the vendor's day")
    options = parser.parse_args()
    keys: dict[str, Plan] = {options.api_key: options.plan}
    with SimulatedFmp(today=options.today, keys=keys, host=options.host, port=options.port) as vendor:
        sys.stdout.write(f"{vendor.url}\n")
        sys.stdout.flush()
        vendor.wait()


if __name__ == "__main__":
    main()
