"""Fakes that are products: servers with faults to order, for the tests of everyone's sources and of lakes on AWS."""

from __future__ import annotations

from finks.testing import aws_proxy, replies
from finks.testing.aws_proxy import AwsProxy
from finks.testing.fault_server import FaultServer, Received
from finks.testing.replies import Framing, Reply

__all__ = ["AwsProxy", "FaultServer", "Framing", "Received", "Reply", "aws_proxy", "replies"]
