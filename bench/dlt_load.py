# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = ["dlt[duckdb,parquet]==1.31.*", "duckdb<2"]
# ///
"""The work through dlt: dictionaries merged on symbol and date into DuckDB. Arguments: base URL, symbols, directory.

Parquet load files and DuckDB 1: dlt's default (`insert_values`) on DuckDB 2 took seven times the CPU.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"

import dlt
from dlt.sources.helpers import requests


def main() -> None:
    """Load once and print the number of rows."""
    url, symbols, directory = sys.argv[1], int(sys.argv[2]), sys.argv[3]

    @dlt.resource(name="bars", write_disposition="merge", primary_key=("symbol", "date"))
    def bars():
        with ThreadPoolExecutor(8) as pool:
            for response in pool.map(
                lambda n: requests.get(f"{url}/historical-price-eod/full", params={"symbol": f"S{n:03}"}),
                range(symbols),
            ):
                yield response.json()

    pipeline = dlt.pipeline(
        "bench", pipelines_dir=directory, destination=dlt.destinations.duckdb(f"{directory}/bars.duckdb"),
        dataset_name="vendor",
    )  # fmt: skip
    pipeline.run(bars(), loader_file_format="parquet")
    with pipeline.sql_client() as client:
        print(client.execute_sql("select count(*) from bars")[0][0])


if __name__ == "__main__":
    main()
