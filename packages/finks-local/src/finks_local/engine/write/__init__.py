"""Rows into tables: Parquet files written as the rows come, then one change of the catalog."""
