from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from finks.errors import ConfigurationError, CredentialsError, FinksError, RetryableError
from finks.lake.aws_errors import SERVICE, explain, told
from pyiceberg.exceptions import CommitStateUnknownException

ARROW = "When uploading object with key 'l/silver/f.parquet' in bucket 'b': AWS Error {} operation: {}"
USER = "User: arn:aws:sts::1:role/r is not authorized to perform: glue:UpdateTable on resource: arn:aws:glue:x"


def boto(code: str, message: str = "", operation: str = "UpdateTable") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}, SERVICE: "glue"}, operation)


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (boto("AccessDeniedException", USER), ConfigurationError, "glue:UpdateTable on arn:aws:glue:x"),
        (boto("AccessDeniedException"), ConfigurationError, "glue:UpdateTable"),
        (boto("ExpiredTokenException"), CredentialsError, "expired"),
        (boto("UnrecognizedClientException"), CredentialsError, "does not know"),
        (boto("ThrottlingException"), RetryableError, "throttlingexception"),
        (boto("NoSuchBucket"), ConfigurationError, "bucket"),
        (
            OSError(ARROW.format("ACCESS_DENIED during PutObject", "no")),
            ConfigurationError,
            "s3:PutObject on arn:aws:s3:::b/l/silver/f.parquet",
        ),
        (OSError(ARROW.format("SLOW_DOWN during UploadPart", "slow")), RetryableError, "s3:PutObject"),
        (
            OSError(ARROW.format("UNKNOWN (HTTP status 400) during HeadObject", "ExpiredToken: old")),
            CredentialsError,
            "expired",
        ),
        (OSError(ARROW.format("NETWORK_CONNECTION during GetObject", "curlCode: 7")), RetryableError, "s3:GetObject"),
        (EndpointConnectionError(endpoint_url="http://x"), RetryableError, "reached"),
        (NoCredentialsError(), CredentialsError, "credentials"),
        (CommitStateUnknownException("silver.x: lost"), RetryableError, "not known"),
    ],
)
def test_an_error_of_aws_says_what_to_do(error, kind, says):
    explained = explain(error)
    assert type(explained) is kind
    assert says in str(explained)


@pytest.mark.parametrize("error", [ValueError("x"), OSError("disk full"), boto("ValidationException")])
def test_any_other_error_is_not_explained(error):
    assert explain(error) is None


def test_the_cause_of_an_error_is_explained_too():
    error = CommitStateUnknownException("unknown")
    error.__cause__ = boto("ExpiredToken")
    assert type(explain(error)) is CredentialsError


def test_an_error_of_finks_stays_as_it_is():
    error = FinksError("mine")
    with pytest.raises(FinksError) as caught, told():
        raise error
    assert caught.value is error
