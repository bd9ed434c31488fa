"""Prefect on one machine: PostgreSQL, the server, a worker."""
