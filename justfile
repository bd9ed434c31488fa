# What CI runs.
check: lint types test

# Every recipe.
help:
    @just --list

lint:
    ruff check .
    ruff format --check .

types:
    basedpyright

# All tests, the slow ones too.
test *args:
    pytest -n 2 --dist loadgroup {{ args }}

# Only what takes seconds and needs neither Spark nor the local AWS.
quick:
    pytest -n 2 -m "not slow and not spark and not aws"

# Rewrite what ruff can.
fix:
    ruff check --fix .
    ruff format .

# Write again what is generated from the contracts and from the API.
generate:
    FINKS_UPDATE_GENERATED=1 pytest tests/integration/dbt/test_dbt_sources.py tests/unit/api/test_openapi_documents.py

# finks beside dlt on the same work.
bench *args:
    python bench/ingest.py {{ args }}

# What traces cost.
bench-observe *args:
    python bench/observe.py {{ args }}

# The local Athena: latency, throughput, memory.
bench-athena *args:
    python bench/athena.py {{ args }}

# The Data API under load, beside a bare FastAPI route. Needs wrk.
bench-api *args:
    python bench/api.py {{ args }}

# What a flow costs over the local runner, on a Prefect server that runs (see the file).
bench-flows *args:
    python bench/flows.py {{ args }}

# A million records refined in process and on Spark.
bench-spark *args:
    python bench/spark.py {{ args }}
