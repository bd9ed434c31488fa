"""The variables that point AWS clients to a local AWS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

REGION: Final = "us-east-1"
ACCESS_KEY: Final = "test"
SECRET_KEY: Final = "test"  # noqa: S105


def variables(emulator: str, endpoint: str) -> Mapping[str, str]:
    """The environment of a client, with the dummy credentials.

    Args:
        emulator: Address of S3 and the rest.
        endpoint: Address of Athena and Glue.
    """
    return {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": emulator,
        "AWS_ENDPOINT_URL_ATHENA": endpoint,
        "AWS_ENDPOINT_URL_GLUE": endpoint,
        # Clients on object_store (polars, delta) refuse http without it; the SDKs look for a machine role without
        # the other.
        "AWS_ALLOW_HTTP": "true",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
