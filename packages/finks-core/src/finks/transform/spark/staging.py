"""Appends that land only if nothing came between.

Spark's own append takes whatever the table has become as its parent, so it cannot tell that the rows were decided
against an older state. Here Spark writes a snapshot that is not yet the table's (write-audit-publish), and the
catalog is asked to make it so on the condition that the table has not moved.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping

from py4j.protocol import Py4JJavaError
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table
from pyspark.sql import DataFrame

from finks.lake import Lake
from finks.lake.writing import landed, stamped
from finks.transform.spark.session import spark_name

_ENABLED = "write.wap.enabled"
_WAP_ID = "wap.id"


def append_after(
    lake: Lake,
    identifier: str,
    base: Table,
    rows: DataFrame,
    properties: Mapping[str, str],
    *,
    distribution: str,
    step: Callable[[str], None],
) -> None:
    """Append rows to a table of a lake in one commit that follows `base`'s current snapshot.

    Args:
        identifier: Zone and table.
        base: The table as it was when the rows were decided.
        rows: The columns of the table, in a session of `lake_session`.
        properties: Written into the snapshot's summary, with those of run and trace.
        distribution: Iceberg's `distribution-mode` of the write.
        step: Is told when the rows are staged.

    Raises:
        CommitFailedException: The table has moved since `base` was loaded. The rows are not in it.
    """
    if base.properties.get(_ENABLED) != "true":
        with base.transaction() as transaction:
            transaction.set_properties({_ENABLED: "true"})
    wap_id = uuid.uuid4().hex
    session = rows.sparkSession
    session.conf.set("spark.wap.id", wap_id)
    try:
        writer = rows.writeTo(spark_name(lake, identifier)).option("distribution-mode", distribution)
        for key, value in stamped(properties).items():
            writer = writer.option(f"snapshot-property.{key}", value)
        writer.append()
    except Py4JJavaError as error:
        if error.java_exception.getClass().getSimpleName() == CommitFailedException.__name__:
            raise CommitFailedException(str(error.java_exception.getMessage())) from error
        raise
    finally:
        session.conf.unset("spark.wap.id")
    step(f"{identifier.partition('.')[0]}.staged")
    _publish(lake.catalog.load_table(identifier), base, wap_id)


def _publish(table: Table, base: Table, wap_id: str) -> None:
    staged = next((one for one in table.snapshots() if one.summary and one.summary.get(_WAP_ID) == wap_id), None)
    before, current = base.current_snapshot(), table.current_snapshot()
    expected = None if before is None else before.snapshot_id
    found = None if current is None else current.snapshot_id
    if staged is None or staged.parent_snapshot_id != expected or found != expected:
        raise CommitFailedException(f"the table moved from snapshot {expected} to {found}")
    table.manage_snapshots().set_current_snapshot(snapshot_id=staged.snapshot_id).commit()
    landed(table)
