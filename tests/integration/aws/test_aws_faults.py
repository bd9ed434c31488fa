"""Every way in which AWS fails, once in a whole run: what the run says, and what the tables hold after the next one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pytest
from crashing import contents
from finks.testing.aws_proxy import (
    AwsProxy,
    Fault,
    cut,
    denied,
    expired,
    failing,
    lost_answer,
    reset,
    slow,
    slow_down,
    throttled,
)
from small_runs import Ended, run_once

pytestmark = [pytest.mark.aws, pytest.mark.slow]

DATA = "*/data/*"


@dataclass(frozen=True)
class Case:
    """A fault, where it strikes, and how the run must end."""

    name: str
    fault: Fault
    service: str
    operation: str
    code: int
    says: str = ""
    resource: str = "*"
    after: int = 0
    times: int | None = None
    also: tuple[Fault, dict] | None = None

    def order(self, proxy: AwsProxy) -> None:
        """Let it happen."""
        names = ("service", "operation", "resource", "after", "times")
        proxy.rule(self.fault, **{name: getattr(self, name) for name in names})
        if self.also is not None:
            proxy.rule(self.also[0], **self.also[1])


CASES = [
    Case("slow down, twice", slow_down(), "s3", "PutObject", 0, times=2),
    Case("slow down, for ever", slow_down(), "s3", "PutObject", 4, "slowdown", "*/silver/*"),
    Case("slow down on reads, for ever", slow_down(), "s3", "GetObject", 4, "s3:GetObject", DATA),
    Case("internal error, twice", failing(), "s3", "PutObject", 0, resource="*/bronze/*", times=2),
    Case("expired in the middle", expired(), "s3", "PutObject", 2, "expired", "*/silver/*"),
    Case("expired for Glue", expired(), "glue", "UpdateTable", 2, "expired", after=3),
    Case("expired from the start", expired(), "", "", 2, "expired"),
    Case("no permission to write Silver", denied(), "s3", "PutObject", 2, "s3:PutObject on arn:aws:s3", "*/silver/*"),
    Case("no permission to commit", denied(), "glue", "UpdateTable", 2, "glue:UpdateTable", after=2),
    Case("no permission for the lease", denied(), "dynamodb", "PutItem", 2, "dynamodb:PutItem"),
    Case("answer lost to the put of a data file", lost_answer(), "s3", "PutObject", 0, resource=DATA, times=2),
    Case("answer lost to a commit that landed", lost_answer(), "glue", "UpdateTable", 0, after=1, times=1),
    Case("every answer to a commit lost", lost_answer(), "glue", "UpdateTable", 0, times=3),
    Case(
        "answer lost to a commit, and the table cannot be asked",
        lost_answer(),
        "glue",
        "UpdateTable",
        4,
        "not known",
        "*bronze.*",
        times=3,
        also=(reset(), {"operation": "GetObject", "resource": "*/bronze/*/00001-*.json"}),
    ),
    Case("answer lost to a new table", lost_answer(), "glue", "CreateTable", 0, times=1),
    Case("answer lost to a new database", lost_answer(), "glue", "CreateDatabase", 0, times=1),
    Case("answer lost to the marker", lost_answer(), "s3", "PutObject", 0, resource="*/lake.json", times=1),
    Case("answer lost to the lease", lost_answer(), "dynamodb", "PutItem", 0, times=1),
    Case("reset before a commit", reset(), "glue", "UpdateTable", 0, after=1, times=2),
    Case("reset before every commit", reset(), "glue", "UpdateTable", 4, "", after=1),
    Case("reset while a file is read", cut(100), "s3", "GetObject", 0, resource=DATA, times=2),
    Case("slow bytes", slow(2000), "s3", "GetObject", 0, resource="*/metadata/*.avro", times=3),
    Case("Glue throttles, twice", throttled(), "glue", "UpdateTable", 0, times=2),
    Case("Glue throttles, for ever", throttled(), "glue", "UpdateTable", 4, "throttl", after=2),
]


@pytest.fixture(scope="module")
def calm() -> dict[str, list]:
    """Filled by the first undisturbed run of this module."""
    return {}


@pytest.fixture
def expected(calm, small, new_lake) -> dict[str, list]:
    """What an undisturbed run leaves."""
    if not calm:
        lake = new_lake()
        assert run_once(small.model_copy(update={"lake": lake})).code == 0
        calm.update(contents(str(lake.path), gold=False))
        assert len(calm["quarantine.fmp_daily_bars"]) == 1
    return calm


def landed(address: str) -> dict[str, list]:
    """What a reader finds after a run that may have ended before it made a lake."""
    import finks
    from finks.errors import ConfigurationError

    try:
        finks.open(address)
    except ConfigurationError:
        return {}
    return contents(address, gold=False)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_nothing_is_lost_and_nothing_twice(small, expected, proxy, case):
    case.order(proxy)
    ended = run_once(small)
    faults = proxy.faults
    proxy.clear()
    part = landed(str(small.lake.path))
    assert faults > 0
    assert ended.code == case.code, ended
    assert case.says in ended.text
    for name, rows in part.items():
        assert not Counter(rows) - Counter(expected[name]), f"{name} has what an undisturbed run does not leave"
    assert run_once(small) == Ended(0, "")
    assert contents(str(small.lake.path), gold=False) == expected
