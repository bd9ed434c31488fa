"""Athena's HTTP API: query executions and their states, workgroups, results as Athena pages and writes them."""
