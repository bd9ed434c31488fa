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
    pytest {{ args }}

# Only what takes seconds.
quick:
    pytest -m "not slow"

# Rewrite what ruff can.
fix:
    ruff check --fix .
    ruff format .

# dbt sources from the contracts.
sources:
    python -m finks.run.dbt_sources

# finks beside dlt on the same work.
bench *args:
    python bench/ingest.py {{ args }}
