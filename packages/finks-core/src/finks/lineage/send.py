"""Sending events to an OpenLineage HTTP endpoint, for example Marquez, with the client's own transport."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import Any, Final

from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport, TokenProvider
from requests.exceptions import RequestException

SECONDS: Final = 10.0
"""How long one event may take."""

ALL_SECONDS: Final = 60.0
"""How long all events of a run may take."""

KEY: Final = "OPENLINEAGE_API_KEY"
"""The client's own variable: a key that the endpoint asks for, sent as a bearer token."""


def send(url: str, events: Iterable[dict[str, Any]]) -> str:
    """Send events, in order, until one fails.

    Args:
        url: The endpoint; the events go to its path `api/v1/lineage`.

    Returns:
        Why not all were sent, without the address, which may hold a secret; empty when all were.
    """
    key = os.environ.get(KEY)
    auth = ApiKeyTokenProvider({"apiKey": key}) if key else TokenProvider({})
    transport = HttpTransport(HttpConfig(url=url, timeout=SECONDS, auth=auth, retry={"total": 1}))
    ends = time.monotonic() + ALL_SECONDS
    try:
        for event in events:
            if time.monotonic() > ends:
                return f"the endpoint took more than {ALL_SECONDS:.0f} seconds"
            transport.emit(event)  # pyright: ignore[reportArgumentType] - its serialiser takes a dict too
    except RequestException as error:
        answer = error.response
        return type(error).__name__ if answer is None else f"{type(error).__name__}, status {answer.status_code}"
    finally:
        transport.close()
    return ""
