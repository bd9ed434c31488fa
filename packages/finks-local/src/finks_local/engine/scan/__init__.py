"""Tables as DuckDB sees them: a SELECT over their files."""
