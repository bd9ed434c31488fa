# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = ["awswrangler==3.17.1"]
# ///
"""awswrangler on the local AWS: it writes, reads back in each of its ways, and prints what it found as JSON.

A script with an environment of its own, because awswrangler holds pandas and pyarrow back.
"""

from __future__ import annotations

import json
import sys

import awswrangler as wr
import pandas as pd

BUCKET = "s3://wrangled"
SCRATCH = {"database": "wrangled", "s3_output": f"{BUCKET}/results/", "workgroup": "primary"}


def prices(days: list[str]) -> pd.DataFrame:
    """Two symbols on each day."""
    rows = [(symbol, day, number + 0.5) for number, day in enumerate(days) for symbol in ("AAPL", "MSFT")]
    return pd.DataFrame(rows, columns=["symbol", "day", "price"])


def read(sql: str, **options) -> list:
    """The rows of a query, sorted."""
    return sorted(wr.athena.read_sql_query(sql, **{**SCRATCH, **options}).astype(str).values.tolist())


def main() -> None:
    """Write and read."""
    wr.catalog.create_database("wrangled")
    wr.s3.to_parquet(
        prices(["2024-01-01", "2024-01-02"]), f"{BUCKET}/prices/", dataset=True, database="wrangled", table="prices",
        partition_cols=["day"],
    )  # fmt: skip
    wr.s3.to_parquet(
        prices(["2024-01-02", "2024-01-03"]), f"{BUCKET}/prices/", dataset=True, database="wrangled", table="prices",
        partition_cols=["day"], mode="overwrite_partitions",
    )  # fmt: skip
    everything = "SELECT symbol, price, day FROM prices"
    wr.athena.to_iceberg(
        prices(["2024-02-01"]), database="wrangled", table="ice", table_location=f"{BUCKET}/ice/",
        temp_path=f"{BUCKET}/temp/", s3_output=SCRATCH["s3_output"], workgroup="primary",
    )  # fmt: skip
    wr.athena.to_iceberg(
        prices(["2024-02-02"]), database="wrangled", table="ice", temp_path=f"{BUCKET}/temp2/",
        s3_output=SCRATCH["s3_output"], workgroup="primary",
    )  # fmt: skip
    found = {
        "ctas": read(everything, ctas_approach=True),
        "unload": read(everything, ctas_approach=False, unload_approach=True, s3_output=f"{BUCKET}/unload/"),
        "plain": read(everything, ctas_approach=False),
        "chunks": sum(
            len(chunk) for chunk in wr.athena.read_sql_query(everything, **SCRATCH, chunksize=2)
        ),
        "parameters": read(
            "SELECT price FROM prices WHERE symbol = ? AND day = ?", ctas_approach=False,
            params=["'AAPL'", "'2024-01-03'"], paramstyle="qmark",
        ),
        "iceberg": read("SELECT * FROM ice", ctas_approach=False),
        "partitions": sorted(wr.catalog.get_partitions("wrangled", "prices", expression="day > '2024-01-01'").values()),
        "tables": sorted(table["Name"] for table in wr.catalog.get_tables(database="wrangled")),
        "types": wr.catalog.get_table_types("wrangled", "prices"),
    }  # fmt: skip
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
