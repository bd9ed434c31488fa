"""One run at a time per lake, on AWS: an item in DynamoDB that its holder renews.

A holder that dies stops renewing, and its item runs out. Before every commit the lease is renewed too, so a run whose
lease was taken stops before it commits anything. A job that joins a run looks before every commit whether the run's
item is still there and has not run out; it renews nothing, so it ends with its run. The holder's clock writes when the
item runs out and the next one's clock reads it: the two may differ by as much as the lease lasts beyond the next
renewal, two thirds of its length.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from finks.errors import LeaseLostError
from finks.lake.aws_errors import told
from finks.lake.lease import Holder, busy, joined, lost, new_holder

RENEWALS: Final = 3
"""How often a lease is renewed in its length."""

Check = Callable[[], None]


@dataclass(frozen=True, slots=True)
class _Claim:
    """What makes an item this run's: nobody else has the token."""

    holder: Holder
    token: str = field(default_factory=lambda: uuid.uuid4().hex)


class DynamoLease:
    """The lease of one lake.

    Args:
        client: A boto3 DynamoDB client.
        table: The table of leases; made when it is absent. Its key is the string `lake`.
        address: The lake's address.
        seconds: How long a lease lasts that is not renewed.
    """

    def __init__(self, client: Any, table: str, address: str, seconds: float) -> None:
        self._client = client
        self._table = table
        self._address = address
        self._seconds = seconds

    @contextmanager
    def hold(self, *, run_id: str, command: str, clock: Callable[[], datetime]) -> Generator[tuple[Holder, Check]]:
        """Hold the lake for the length of a `with` block.

        Yields:
            This run as the holder, and a check to be called before every commit.

        Raises:
            LakeBusyError: Another run holds it.
        """
        claim = _Claim(new_holder(run_id, command, clock))
        with told():
            self._take(claim)
        ended = threading.Event()
        heart = threading.Thread(target=self._beat, args=(claim, ended), name="finks-lease", daemon=True)
        heart.start()
        try:
            yield claim.holder, lambda: self._renew(claim)
        finally:
            ended.set()
            heart.join()
            self._release(claim)

    def join(self, run_id: str) -> tuple[Holder, Check]:
        """What a job of the run needs that holds the lake.

        Returns:
            The run as the holder, and a check to be called before every commit.

        Raises:
            LakeBusyError: Another run holds the lake.
            LeaseLostError: No run does.
        """
        item = self._valid()
        holder = joined(self._address, _holder(item) if item else None, run_id, _until(item))

        def check() -> None:
            now = self._valid()
            if now.get("token") != item["token"]:
                raise lost(self._address, run_id, _holder(now) if now else None)

        return holder, check

    def current(self) -> Holder | None:
        """Who holds the lake now; None when nobody does."""
        item = self._valid()
        return _holder(item) if item else None

    def _valid(self) -> dict[str, Any]:
        """The item that has not run out; empty when there is none."""
        with told():
            item = self._read()
        return item if item and time.time() < _ends(item) else {}

    def orphan(self) -> Holder | None:
        """Who held the lake last and let the lease run out."""
        with told():
            item = self._read()
        return _holder(item) if item and time.time() >= _ends(item) else None

    def _take(self, claim: _Claim) -> None:
        values = {name: _text(value) for name, value in asdict(claim.holder).items()}
        item = {"lake": _text(self._address), "token": _text(claim.token), **values}
        try:
            self._put(item | {"expires_at": self._end()})
        except self._client.exceptions.ConditionalCheckFailedException:
            held = self._read()
            # The answer to our own first attempt may have been lost.
            if held.get("token") != item["token"]:
                raise busy(self._address, _holder(held) if held else None, _until(held)) from None

    def _put(self, item: dict[str, Any]) -> None:
        request = {
            "TableName": self._table,
            "Item": item,
            "ConditionExpression": "attribute_not_exists(lake) OR expires_at < :now",
            "ExpressionAttributeValues": {":now": _number(time.time())},
        }
        try:
            self._client.put_item(**request)
        except self._client.exceptions.ResourceNotFoundException:
            self._make_table()
            self._client.put_item(**request)

    def _make_table(self) -> None:
        # Another run may be making it at this moment.
        with suppress(self._client.exceptions.ResourceInUseException):
            self._client.create_table(
                TableName=self._table,
                KeySchema=[{"AttributeName": "lake", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "lake", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
        self._client.get_waiter("table_exists").wait(TableName=self._table, WaiterConfig={"Delay": 1})

    def _renew(self, claim: _Claim) -> None:
        """Make the lease last from now on.

        Raises:
            LeaseLostError: It is somebody else's, or nobody's.
        """
        with told():
            try:
                self._client.update_item(
                    TableName=self._table,
                    Key={"lake": _text(self._address)},
                    UpdateExpression="SET expires_at = :ends",
                    ConditionExpression="#token = :token",
                    ExpressionAttributeNames={"#token": "token"},
                    ExpressionAttributeValues={":ends": self._end(), ":token": _text(claim.token)},
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                held = self._read()
                raise lost(self._address, claim.holder.run_id, _holder(held) if held else None) from None

    def _beat(self, claim: _Claim, ended: threading.Event) -> None:
        """Renew until the end. What goes wrong here is found again, and told, by the check before a commit."""
        while not ended.wait(self._seconds / RENEWALS):
            try:
                self._renew(claim)
            except LeaseLostError:
                return
            except Exception:  # noqa: S112 - the next beat tries again
                continue

    def _release(self, claim: _Claim) -> None:
        """Give the lease back. When that fails, it runs out by itself; the run has ended as it has."""
        with suppress(Exception):
            self._client.delete_item(
                TableName=self._table,
                Key={"lake": _text(self._address)},
                ConditionExpression="#token = :token",
                ExpressionAttributeNames={"#token": "token"},
                ExpressionAttributeValues={":token": _text(claim.token)},
            )

    def _end(self) -> dict[str, str]:
        return _number(time.time() + self._seconds)

    def _read(self) -> dict[str, Any]:
        try:
            answer = self._client.get_item(
                TableName=self._table, Key={"lake": _text(self._address)}, ConsistentRead=True
            )
        except self._client.exceptions.ResourceNotFoundException:
            return {}
        return answer.get("Item", {})


def _holder(item: dict[str, Any]) -> Holder:
    text = {name: item[name]["S"] for name in ("host", "command", "run_id", "started_at")}
    return Holder(pid=int(item["pid"]["S"]), **text)


def _text(value: object) -> dict[str, str]:
    return {"S": str(value)}


def _number(seconds: float) -> dict[str, str]:
    return {"N": f"{seconds:.3f}"}


def _ends(item: dict[str, Any]) -> float:
    return float(item["expires_at"]["N"])


def _until(item: dict[str, Any]) -> str:
    if not item:
        return ""
    end = datetime.fromtimestamp(_ends(item), tz=UTC)
    return f" If it died, its lease ends by itself at {end.isoformat(timespec='seconds')}."
