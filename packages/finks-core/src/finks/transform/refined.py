"""What one refinement of a stream on Spark did. Apart from Spark: the run that started the job reads it too."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Refined:
    """What one call did: counts of responses and records, as a run's report has them.

    Attributes:
        table: The stream's table name.
        rules: Rejected records by rule.
        quarantined: Rejects that were not in quarantine before.
        late: Versions of known records that arrived after newer responses; the next refine reads Bronze again.
    """

    table: str
    responses: int = 0
    read: int = 0
    good: int = 0
    rejected: int = 0
    duplicates: int = 0
    quarantined: int = 0
    new: int = 0
    changed: int = 0
    same: int = 0
    retracted: int = 0
    suspicious: int = 0
    late: int = 0
    rules: dict[str, int] = field(default_factory=dict[str, int])
