"""Requests passed on to the emulator as they came, so that it can check their signatures and permissions."""

from __future__ import annotations

from typing import Final

import httpx

from finks_local.wire import Call, Reply

_NOT_PASSED_ON: Final = frozenset({"connection", "content-length", "transfer-encoding", "keep-alive"})
_PASSED_BACK: Final = ("content-type", "x-amzn-errortype", "x-amzn-requestid")
_PERMITTED: Final = "AthenaIsElsewhere"


class Forwarding:
    """The way to an emulator.

    Args:
        url: Its address.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, timeout=60, trust_env=False)

    def pass_on(self, call: Call) -> Reply:
        """The emulator's answer to a request."""
        headers = {name: value for name, value in call.headers.items() if name not in _NOT_PASSED_ON}
        answer = self._http.request(call.method, call.path, content=call.body, headers=headers)
        kept = {name: answer.headers[name] for name in _PASSED_BACK if name in answer.headers}
        return Reply(answer.status_code, answer.content, kept)

    def refusal(self, call: Call) -> Reply | None:
        """What an enforcing emulator says of a request to Athena; None when its caller may make it."""
        reply = self.pass_on(call)
        return None if reply.json().get("__type") == _PERMITTED else reply

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
