"""Athena's SQL as a value: types, analysis, translation of Trino SQL to DuckDB's, and the text of results. Pure."""
