"""The names of the states in which a run ends, by exit code (docs/commands.md). Without Prefect."""

from __future__ import annotations

from typing import Final

WELL: Final = {0: "Completed"}
FAILED: Final = {
    1: "Failed",
    2: "Misconfigured",
    3: "NotEntitled",
    4: "SourceUnavailable",
    5: "BadData",
    70: "Defect",
}
NO_FAILURE: Final = {6: "LakeBusy", 143: "Stopped"}
"""Another run that holds the lake does the work, and a stop was asked for."""

SKIPPED: Final = "Skipped"
"""Nothing was due."""

NAMES: Final = {**WELL, **FAILED, **NO_FAILURE}
