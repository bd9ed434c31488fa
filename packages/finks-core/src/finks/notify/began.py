"""Runs that began and never ended: kill -9, a lost machine, a lost network.

A run writes `alerts/began.json` when it holds the lake, and its end is written in the book of alerts, together with
what is to be told of it. A run that began, whose end is not there and that does not hold the lake is a zombie.
"""

from __future__ import annotations

from typing import Final

from pydantic import AwareDatetime, BaseModel, ValidationError

from finks.lake.lease import Holder
from finks.lake.place import Place
from finks.notify.book import Book

BEGAN: Final = "alerts/began.json"


class Began(BaseModel):
    """The run that began last."""

    run_id: str
    command: str
    started_at: AwareDatetime


def read_began(place: Place) -> Began | None:
    """The run that began last; None when there was none, or its file cannot be read."""
    text = place.kept(BEGAN)
    try:
        return None if text is None else Began.model_validate_json(text)
    except ValidationError:
        return None


def is_zombie(began: Began | None, book: Book, holder: Holder | None) -> bool:
    """Whether the run that began last will never end."""
    if began is None or book.ended == began.run_id:
        return False
    return holder is None or holder.run_id != began.run_id
