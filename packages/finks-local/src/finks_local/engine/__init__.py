"""Statements run for real: Hive and Iceberg tables of a Glue catalog on S3, read and written through DuckDB."""
