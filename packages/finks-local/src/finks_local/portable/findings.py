"""What a rule has found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One construct that the engines do not share.

    Attributes:
        line: Its line in the statement, from 1.
        construct: What it is, for example `qualify`.
        advice: What to write in its place, or why it is not portable.
    """

    line: int
    construct: str
    advice: str

    def __str__(self) -> str:
        return f"{self.line}: {self.construct}: {self.advice}"
