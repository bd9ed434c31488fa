"""Statements that sqlglot does not read as Athena does: Hive's DDL and the heads of Trino's. Pure."""
