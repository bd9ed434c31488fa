"""Every error that finks raises on purpose, branched by what the caller does next.

FinksError
├── ConfigurationError        change a setting, install an extra, correct a key
│   ├── UnknownPluginError
│   ├── MissingExtraError
│   └── CredentialsError
├── EntitlementError          the vendor's plan does not include this: change the plan or the request
├── RetryableError            the same command later may succeed
│   ├── SourceUnavailableError
│   ├── DeadlineExceededError
│   ├── QuotaExhaustedError
│   ├── JobFailedError
│   └── NotificationError
├── DataError                 the data is wrong: look at it, nothing wrong was let in
│   ├── MalformedBodyError
│   ├── ContractViolationError
│   └── QualityError
├── ConflictError             somebody else is at work on the same thing
│   ├── LakeBusyError
│   └── LeaseLostError
├── StoppedError              the run was asked to stop: the same command again
└── InvariantError            a defect in finks: report it
"""

from __future__ import annotations

from typing import ClassVar


class FinksError(Exception):
    """The root of the tree.

    Args:
        message: What went wrong, in one sentence.
        where: The file, setting, request or table concerned.
        expected: What would have been right.
        got: What came instead. Never a secret.
        hint: What to do next.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        message: str,
        *,
        where: str | None = None,
        expected: str | None = None,
        got: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.message = message
        self.where = where
        self.expected = expected
        self.got = got
        self.hint = hint
        super().__init__(message)

    def __str__(self) -> str:
        parts = [self.message]
        for label in ("where", "expected", "got", "hint"):
            value = getattr(self, label)
            if value is not None:
                parts.append(f"  {label}: {value}")
        return "\n".join(parts)


class ConfigurationError(FinksError):
    """A setting, a file or an installation is wrong. Running again changes nothing."""

    exit_code = 2


class UnknownPluginError(ConfigurationError):
    """No installed plugin has the name that was asked for."""


class MissingExtraError(ConfigurationError):
    """A part of finks needs an optional package that is not installed."""


class CredentialsError(ConfigurationError):
    """The vendor refused the key itself."""


class EntitlementError(FinksError):
    """The vendor's plan does not include what was asked for."""

    exit_code = 3


class RetryableError(FinksError):
    """The same command may succeed later; what has landed stays landed."""

    exit_code = 4


class SourceUnavailableError(RetryableError):
    """The source did not answer, or answered with an outage."""


class DeadlineExceededError(RetryableError):
    """The total time allowed for one call, or for one job, ran out."""


class QuotaExhaustedError(RetryableError):
    """The vendor's daily or bandwidth quota is used up."""


class JobFailedError(RetryableError):
    """A job that runs elsewhere ended without having done its work, and without saying why in finks' own words."""


class NotificationError(RetryableError):
    """An alert did not reach everybody whom the settings name. The next run tries again."""


class DataError(FinksError):
    """Data broke a rule. Nothing of it was let in."""

    exit_code = 5


class MalformedBodyError(DataError):
    """A response body is not what its format requires."""


class ContractViolationError(DataError):
    """Records broke their contract."""


class QualityError(DataError):
    """A test of the Gold models failed, so nothing was published."""


class ConflictError(FinksError):
    """Somebody else is at work on the same thing."""

    exit_code = 6


class LakeBusyError(ConflictError):
    """Another run holds the lake."""


class LeaseLostError(ConflictError):
    """The run no longer holds the lake."""


class StoppedError(FinksError):
    """The run was asked to stop, and did."""

    exit_code = 143


class InvariantError(FinksError):
    """A rule that finks guarantees does not hold: a defect. Please report it."""

    exit_code = 70
