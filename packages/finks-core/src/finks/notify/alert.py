"""`Alert`: one thing that is wrong, said so that whoever reads it at night knows what to do."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict

Kind = Literal["failure", "contract_breach", "freshness_breach", "zombie_run", "quota_exhausted", "test"]
"""What can be wrong. Each has its anchor in the runbook. `test` is what `finks alerts test` sends."""

Severity = Literal["info", "warning", "critical"]

SEVERITIES: Final[tuple[Severity, ...]] = ("info", "warning", "critical")
"""From the lightest to the gravest."""

TITLES: Final[dict[Kind, str]] = {
    "failure": "{subject} failed",
    "contract_breach": "{subject} broke its contract",
    "freshness_breach": "{subject} is not fresh",
    "zombie_run": "a run began and never ended",
    "quota_exhausted": "the quota of {subject} is used up",
    "test": "a test of the alerts",
}

MAX_REASON: Final = 2000
"""Characters of a reason; Amazon SNS takes 256 KiB in all (API reference, Publish)."""


def _short(text: str) -> str:
    return text if len(text) <= MAX_REASON else f"{text[: MAX_REASON - 1]}…"


class Alert(BaseModel):
    """One thing that is wrong, or that was and is over.

    Attributes:
        kind: What is wrong.
        lake: The lake's address.
        subject: The table, the source, `gold` or `run`.
        severity: How grave it is.
        reason: What happened, without secrets.
        advice: What to do next.
        runbook: Where the runbook tells more about this kind.
        at: When it was found.
        run_id: The run that found it; None for what was found outside a run.
        run_link: Where that run can be looked at; None when there is no such place.
        status: `open`, or `resolved` once it is over.
    """

    model_config = ConfigDict(frozen=True)

    kind: Kind
    lake: str
    subject: str
    severity: Severity
    reason: Annotated[str, AfterValidator(_short)]
    advice: str
    runbook: str
    at: AwareDatetime
    run_id: str | None = None
    run_link: str | None = None
    status: Literal["open", "resolved"] = "open"

    @property
    def key(self) -> str:
        """What makes two alerts the same: the kind, the lake and the subject, whichever run found them."""
        return f"{self.kind} {self.lake} {self.subject}"

    @property
    def id(self) -> str:
        """The same for a message that is sent twice, another for the next one: receivers drop repeats by it."""
        return hashlib.sha256(f"{self.key} {self.status} {self.at.isoformat()}".encode()).hexdigest()

    @property
    def title(self) -> str:
        """One line of printable characters."""
        subject = "".join(one if one.isprintable() else " " for one in self.subject)
        what = TITLES[self.kind].format(subject=subject)
        return f"finks: {what}" if self.status == "open" else f"finks: over: {what}"

    @property
    def text(self) -> str:
        """The whole alert as plain text."""
        over = "This is over. It was: " if self.status == "resolved" else ""
        rows = [
            ("what to do", self.advice if self.status == "open" else "nothing"),
            ("lake", self.lake),
            ("run", self.run_id),
            ("look at the run", self.run_link),
            ("runbook", self.runbook),
            ("severity", self.severity),
            ("at", self.at.isoformat(timespec="seconds")),
        ]
        return "\n".join([f"{over}{self.reason}", "", *(f"{name}: {value}" for name, value in rows if value)])

    @property
    def json_text(self) -> str:
        """The whole alert as JSON, for a program: its fields, and `key`, `id` and `title`."""
        more = {"key": self.key, "id": self.id, "title": self.title}
        return json.dumps(self.model_dump(mode="json") | more, ensure_ascii=False)
