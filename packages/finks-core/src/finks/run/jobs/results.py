"""What a job leaves in the lake for the run that started it: a small file, written as it gets on."""

from __future__ import annotations

from pydantic import BaseModel, Field

from finks import errors
from finks.errors import FinksError, JobFailedError
from finks.transform.refined import Refined


def result_name(run_id: str, job: str) -> str:
    """The name of a job's file among the small files of a lake."""
    return f"jobs/{run_id}/{job}.json"


class Failure(BaseModel):
    """A `FinksError` on its way from one process to another."""

    kind: str
    message: str
    where: str | None = None
    expected: str | None = None
    got: str | None = None
    hint: str | None = None

    @classmethod
    def of(cls, error: FinksError) -> Failure:
        """What is to be told of an error."""
        return cls(
            kind=type(error).__name__,
            message=error.message,
            where=error.where,
            expected=error.expected,
            got=error.got,
            hint=error.hint,
        )

    def error(self) -> FinksError:
        """The same error."""
        kind = getattr(errors, self.kind, JobFailedError)
        return kind(self.message, where=self.where, expected=self.expected, got=self.got, hint=self.hint)


class RefineResult(BaseModel):
    """The streams that a Spark job has refined, and why it did not do the rest."""

    streams: list[Refined] = Field(default_factory=list[Refined])
    failure: Failure | None = None
