"""Plan, ingest, refine, build and publish: the steps of a run, and the local runner that calls them."""
