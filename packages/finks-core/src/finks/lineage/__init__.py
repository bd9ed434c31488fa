"""Where data came from: OpenLineage events of every run, an index to walk by, and the responses behind a number."""
