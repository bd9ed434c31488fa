"""Addresses of logs in the AWS console."""

from __future__ import annotations

from urllib.parse import quote


def log_stream(region: str, group: str, stream: str) -> str:
    """One stream of CloudWatch Logs."""
    console = f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#logsV2:log-groups/log-group"
    return f"{console}/{_twice(group)}/log-events/{_twice(stream)}"


def _twice(name: str) -> str:
    """The console reads names that are percent-encoded twice, with `$` for `%`."""
    return quote(quote(name, safe=""), safe="").replace("%", "$")
