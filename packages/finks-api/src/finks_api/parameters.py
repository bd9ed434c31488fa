"""The parameters of routes. What a route does not know is refused."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from difflib import get_close_matches
from typing import Annotated, Final, Literal

from fastapi import Path
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from finks_api.paging import LONGEST_PAGE

DEFAULT_PAGE: Final = 1000

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})", re.ASCII)


def _day(value: object) -> object:
    if isinstance(value, str) and not _DAY.fullmatch(value):
        raise ValueError("give a date as YYYY-MM-DD")
    return value


def _instant(value: object) -> object:
    if isinstance(value, str) and not _INSTANT.fullmatch(value):
        raise ValueError("give a time with its zone, for example 2026-01-02T21:30:00Z (+ is %2B in an address)")
    return value


Day = Annotated[date, BeforeValidator(_day)]


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("give a time between the years 1 and 9999 of UTC") from None


Instant = Annotated[AwareDatetime, BeforeValidator(_instant), AfterValidator(_in_utc)]
FormatName = Literal["json", "csv", "ndjson", "arrow"]

_TEXT: Final = r"^[^\x00-\x1f\x7f]+$"
PortfolioId = Annotated[
    str,
    Path(min_length=1, max_length=100, pattern=_TEXT, description="The portfolio.", examples=["us-retirement"]),
]
Symbol = Annotated[
    str,
    Path(
        min_length=1,
        max_length=32,
        pattern=r"^[A-Za-z0-9.^=_-]+$",
        description="The vendor's symbol.",
        examples=["IBM"],
    ),
]
DatasetName = Annotated[
    str,
    Path(min_length=1, max_length=64, pattern=r"^[a-z_]+$", description="The dataset.", examples=["bars"]),
]


UNKNOWN: Final = "unknown_parameter"


class NoParameters(BaseModel):
    """A route without parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _known(cls, given: dict[str, object]) -> dict[str, object]:
        known = list(cls.model_fields)
        unknown = next((name for name in given if name not in known), None)
        if unknown is None:
            return given
        nearest = get_close_matches(unknown, known, n=1)
        hint = f"Did you mean {nearest[0]}?" if nearest else f"This route has {', '.join(known) or 'no parameters'}."
        raise PydanticCustomError(UNKNOWN, "{hint}", {"hint": hint})


class AsOf(NoParameters):
    """What was known at a time."""

    as_of: Instant | None = Field(
        default=None,
        description="Answer as it was known at this time (RFC 3339). Gold: the release that was served then; "
        "Silver: the versions known then. Now when absent.",
    )


class DataParameters(AsOf):
    """What every route of data takes."""

    limit: int = Field(default=DEFAULT_PAGE, ge=1, le=LONGEST_PAGE, description="The most rows of one page.")
    page: str | None = Field(
        default=None,
        min_length=1,
        max_length=1024,
        pattern=r"^[A-Za-z0-9_-]+$",
        description="The token of a page, from `next` or the header Link. Send it with the parameters of the first "
        "page. All pages read one release.",
    )
    format: FormatName | None = Field(default=None, description="The format; wins over the header Accept.")


class RangeParameters(DataParameters):
    """With a range of dates."""

    start: Day | None = Field(default=None, description="The first date wanted.", examples=["2012-06-01"])
    end: Day | None = Field(default=None, description="The last date wanted.", examples=["2012-06-30"])

    @field_validator("end")
    @classmethod
    def _in_order(cls, end: date | None, info: ValidationInfo) -> date | None:
        start = info.data.get("start")
        if end is not None and start is not None and end < start:
            raise ValueError("give an end that is not before the start")
        return end


class StatementParameters(RangeParameters):
    """With the length of the periods."""

    period: Literal["annual", "quarter"] = Field(default="annual", description="Statements of years or of quarters.")


class DayParameters(DataParameters):
    """With a date."""

    date: Day = Field(description="The date wanted.", examples=["2012-06-29"])
