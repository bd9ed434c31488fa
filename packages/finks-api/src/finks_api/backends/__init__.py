"""Where rows come from: DuckDB on the lake's files, or Athena."""
