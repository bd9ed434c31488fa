"""An AWS account as the standard chain finds it: region, credentials and endpoints. finks has no setting for them.

boto3 and pyarrow's S3 client each look for these things in their own way. Here boto3 looks, and pyarrow is told, so
that there is one answer: environment, profile, single sign-on, container, instance, and `AWS_ENDPOINT_URL…`.
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cached_property, lru_cache, partial
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from pyarrow.fs import AwsStandardS3RetryStrategy, S3FileSystem

from finks.errors import ConfigurationError, CredentialsError, MissingExtraError
from finks.lake.aws_errors import SERVICE, told

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials

ATTEMPTS: Final = 8
"""How often one call is tried before it counts as failed (SlowDown, throttling, 5xx, a lost connection), unless
`AWS_MAX_ATTEMPTS` says otherwise."""

_CONNECT_SECONDS: Final = 10
_READ_SECONDS: Final = 30


class Aws:
    """Clients for one account and region; made once for each process and environment (see `aws`).

    Raises:
        MissingExtraError: boto3 is not installed.
        ConfigurationError: No region, or an unknown profile, is set.
    """

    def __init__(self) -> None:
        try:
            import boto3
            import botocore.session
            from botocore.exceptions import BotoCoreError
        except ImportError as error:
            raise MissingExtraError("boto3 is not installed.", hint="pip install 'finks-core[aws]'") from error
        self._core = botocore.session.get_session()
        try:
            self._session = boto3.Session(
                botocore_session=self._core,
                region_name=self._core.get_config_variable("region") or os.environ.get("AWS_REGION"),
            )
        except BotoCoreError as error:
            raise ConfigurationError("The AWS configuration is wrong.", where="AWS_PROFILE", got=str(error)) from None
        self._attempts = int(os.environ.get("AWS_MAX_ATTEMPTS", ATTEMPTS))
        self._clients: dict[tuple[str, int], Any] = {}
        self._files: tuple[ReadOnlyCredentials, S3FileSystem] | None = None
        self._lock = Lock()

    @cached_property
    def region(self) -> str:
        """The region.

        Raises:
            ConfigurationError: None is set.
        """
        if not self._session.region_name:
            raise ConfigurationError(
                "No AWS region is set.",
                where="AWS_DEFAULT_REGION",
                expected="a region, for example eu-central-1",
                hint="Set AWS_DEFAULT_REGION, or `region` in the AWS profile.",
            )
        return self._session.region_name

    def client(self, service: str, *, attempts: int | None = None) -> Any:
        """The boto3 client of a service. Clients may be used by several threads.

        Args:
            attempts: How often one call is tried; see `ATTEMPTS` when None.
        """
        from botocore.config import Config

        region = self.region
        key = (service, attempts or self._attempts)
        make: Any = self._session.client
        with self._lock:
            if key not in self._clients:
                self._clients[key] = make(
                    service,
                    region_name=region,
                    config=Config(
                        retries={"mode": "standard", "total_max_attempts": key[1]},
                        connect_timeout=_CONNECT_SECONDS,
                        read_timeout=_READ_SECONDS,
                    ),
                )
                self._clients[key].meta.events.register("after-call", partial(_note_service, service))
            return self._clients[key]

    def files(self) -> S3FileSystem:
        """The S3 client of pyarrow; a new one whenever the credentials were renewed.

        Raises:
            CredentialsError: There are none.
        """
        credentials = self._credentials()
        with self._lock:
            if self._files is None or self._files[0] != credentials:
                self._files = (credentials, self._make_files(credentials))
            return self._files[1]

    def _credentials(self) -> ReadOnlyCredentials:
        found = self._session.get_credentials()
        if found is None:
            raise CredentialsError(
                "No AWS credentials were found.",
                hint="Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a role is given.",
            )
        return found.get_frozen_credentials()

    def _make_files(self, credentials: ReadOnlyCredentials) -> S3FileSystem:
        return S3FileSystem(
            access_key=credentials.access_key,
            secret_key=credentials.secret_key,
            session_token=credentials.token,
            region=self.region,
            endpoint_override=self.endpoint("s3"),
            connect_timeout=_CONNECT_SECONDS,
            request_timeout=_READ_SECONDS,
            retry_strategy=AwsStandardS3RetryStrategy(max_attempts=self._attempts),
            # A file that fits into one part is one request, not three.
            allow_delayed_open=True,
        )

    def endpoint(self, service: str) -> str | None:
        """The endpoint that the environment or the profile sets for a service; None for AWS's own."""
        from botocore.configprovider import ConfiguredEndpointProvider

        return ConfiguredEndpointProvider(
            full_config=self._core.full_config,
            scoped_config=self._core.get_scoped_config(),
            client_name=service,
        ).provide()


def make_bucket(address: str) -> None:
    """Make the bucket of `s3://bucket/prefix` unless it is there; for a demonstration, not for an account in use."""
    account = aws()
    client = account.client("s3")
    bucket = address.removeprefix("s3://").partition("/")[0]
    # Of all regions this one alone cannot be named (Amazon S3 API reference, CreateBucket).
    where = {} if account.region == "us-east-1" else {"LocationConstraint": account.region}
    with told(), suppress(client.exceptions.BucketAlreadyOwnedByYou):
        client.create_bucket(Bucket=bucket, **({"CreateBucketConfiguration": where} if where else {}))


def _note_service(service: str, parsed: dict[str, Any], **event: Any) -> None:
    parsed[SERVICE] = service


def aws() -> Aws:
    """The account that the environment points at now."""
    return _aws(tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith("AWS_"))))


@lru_cache(maxsize=4)
def _aws(environment: tuple[tuple[str, str], ...]) -> Aws:
    return Aws()
