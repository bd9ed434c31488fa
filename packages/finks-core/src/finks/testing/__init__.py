"""Fakes that are products: a real server with faults to order, for the tests of everyone's sources."""

from __future__ import annotations

from finks.testing import replies
from finks.testing.fault_server import FaultServer, Received
from finks.testing.replies import Framing, Reply

__all__ = ["FaultServer", "Framing", "Received", "Reply", "replies"]
