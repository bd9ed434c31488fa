"""The IAM policy of a role that uses a lake on S3 and Glue: what it reads, and which zones it may write. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from finks.lake.catalog import NAMESPACES

READ_CATALOG: Final = ("glue:GetDatabase", "glue:GetDatabases", "glue:GetTable", "glue:GetTables")
WRITE_CATALOG: Final = ("glue:CreateTable", "glue:UpdateTable")
REPLACE_CATALOG: Final = ("glue:CreateDatabase", "glue:DeleteTable")
WRITE_FILES: Final = ("s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload")
FOLDERS: Final = ("runs", "jobs", "alerts", "lineage", "replays", "maintenance", "backups", "restores")
"""What runs and commands keep beside the zones."""

LINEAGE: Final = ("dynamodb:Query", "dynamodb:BatchWriteItem")
LEASE: Final = ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem")


def lake_policy(
    address: str,
    write: Collection[str] = (),
    *,
    restore_from: str | None = None,
    database_prefix: str = "",
    lease_table: str = "finks-leases",
    lineage_table: str = "finks-lineage",
    region: str = "*",
    account: str = "*",
) -> dict[str, Any]:
    """A policy document.

    Args:
        address: `s3://bucket/prefix`.
        write: Zones that may be written: `("bronze",)` for a role that only ingests, none for a reader. A role that
            writes may also hold the lake and keep its run reports, open alerts and lineage.
        restore_from: `s3://bucket/prefix` of backups: the role may write every zone, and restore the lake from it.
        database_prefix: Of the lake's Glue databases.
        lease_table: The DynamoDB table of leases; it exists already.
        lineage_table: The DynamoDB table of lineage; it exists already.
        region, account: Where the lake is, for the ARNs.
    """
    bucket, files = _places(address)
    leases = f"arn:aws:dynamodb:{region}:{account}:table/{lease_table}"
    lineage = f"arn:aws:dynamodb:{region}:{account}:table/{lineage_table}"
    glue = f"arn:aws:glue:{region}:{account}"

    def catalog(zones: Collection[str]) -> list[str]:
        names = [f"{database_prefix}{zone}" for zone in zones]
        return [
            f"{glue}:catalog",
            *(f"{glue}:database/{name}" for name in names),
            *(f"{glue}:table/{name}/*" for name in names),
        ]

    statements = [
        _allow("ListTheBucket", ["s3:ListBucket"], [bucket]),
        _allow("ReadFiles", ["s3:GetObject"], [f"{files}*"]),
        _allow("ReadCatalog", READ_CATALOG, catalog(NAMESPACES)),
        _allow("SeeWhoHoldsTheLake", ["dynamodb:GetItem"], [leases]),
        _allow("ReadLineage", LINEAGE[:1], [lineage]),
    ]
    if restore_from is not None:
        write = NAMESPACES
        safe, saved = _places(restore_from)
        statements += [
            _allow("ListBackups", ["s3:ListBucket"], [safe]),
            _allow("ReadBackups", ["s3:GetObject"], [f"{saved}*"]),
            _allow("ReplaceFiles", WRITE_FILES, [f"{files}*"]),
            _allow("ReplaceCatalog", REPLACE_CATALOG, catalog(NAMESPACES)),
        ]
    if write:
        statements += [
            _allow("WriteFiles", WRITE_FILES, [f"{files}{zone}/*" for zone in write]),
            _allow("WriteReports", ["s3:PutObject"], [f"{files}{name}/*" for name in FOLDERS]),
            _allow("TellLineage", LINEAGE, [lineage]),
            _allow("WriteCatalog", WRITE_CATALOG, catalog(write)),
            _allow("HoldTheLake", LEASE, [leases]),
        ]
    return {"Version": "2012-10-17", "Statement": statements}


def _places(address: str) -> tuple[str, str]:
    """The ARNs of the bucket, and of the prefix with a slash at its end."""
    bucket, _, prefix = address.removeprefix("s3://").rstrip("/").partition("/")
    arn = f"arn:aws:s3:::{bucket}"
    return arn, f"{arn}/{prefix}/" if prefix else f"{arn}/"


def _allow(name: str, actions: Collection[str], resources: list[str]) -> dict[str, Any]:
    return {"Sid": name, "Effect": "Allow", "Action": list(actions), "Resource": resources}
