"""What a lake on AWS is restored from."""

from __future__ import annotations

import boto3
from finks.lake.catalog import NAMESPACES
from finks.lake.stores import store_of
from finks.run.sections import LakeSettings


def destroy(lake: LakeSettings) -> None:
    """Delete the prefix and the Glue databases with all their tables."""
    store = store_of(lake.path)
    for file in list(store.files()):
        store.delete(file.name)
    glue = boto3.client("glue")
    for zone in NAMESPACES:
        database = f"{lake.database_prefix}{zone}"
        for table in glue.get_tables(DatabaseName=database)["TableList"]:
            glue.delete_table(DatabaseName=database, Name=table["Name"])
        glue.delete_database(Name=database)
