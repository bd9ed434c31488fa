"""Where a run is shown in Prefect's window."""

from __future__ import annotations

from prefect.context import FlowRunContext
from prefect.settings import get_current_settings


def run_link() -> str | None:
    """The address of the current flow run in the window; None outside a flow run or where no window is known."""
    context = FlowRunContext.get()
    address = get_current_settings().ui_url
    if context is None or context.flow_run is None or not address:
        return None
    return f"{str(address).rstrip('/')}/runs/flow-run/{context.flow_run.id}"


__all__ = ["run_link"]
