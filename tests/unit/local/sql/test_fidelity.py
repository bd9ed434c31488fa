"""What Trino documents is what comes out, or the query is refused."""

from __future__ import annotations

import os
from itertools import groupby
from pathlib import Path

import pytest

REFUSED = "!NOT_SUPPORTED"
FILES = sorted(path.stem for path in (Path(__file__).parent / "fidelity").glob("*.csv"))


@pytest.mark.parametrize("file", FILES)
def test_no_value_is_silently_wrong(file, fidelity, told):
    rows = [(row.query, row.expected, told[row.query]) for row in fidelity[file]]
    assert [row for row in rows if row[2] not in {row[1], REFUSED}] == []


def test_at_least_97_of_100_are_equal(fidelity, told):
    rows = [row for file in fidelity.values() for row in file]
    equal = [row for row in rows if told[row.query] == row.expected]
    assert len(rows) >= 400
    assert len(equal) / len(rows) >= 0.97


def test_the_page_is_up_to_date(fidelity, told, repository):
    """FINKS_UPDATE_GENERATED=1 writes it anew."""
    path = repository / "docs" / "athena-sql.md"
    head, mark, _ = path.read_text().partition(MARK)
    text = head + mark + page(fidelity, told)
    if os.environ.get("FINKS_UPDATE_GENERATED"):
        path.write_text(text)
    assert path.read_text() == text


MARK = "<!-- generated from tests/unit/local/sql/fidelity; do not edit below -->\n"


def page(fidelity, told) -> str:
    rows = [row for file in fidelity.values() for row in file]
    equal = sum(told[row.query] == row.expected for row in rows)
    lines = [
        "",
        f"{len(rows)} queries, {equal} equal to what Trino documents, {len(rows) - equal} refused, none different.",
        "",
        "A value that starts with `!` is an error's code. Columns are parted by `|`, rows by `/`.",
    ]
    for area, group in groupby(rows, key=lambda row: row.area):
        lines += ["", f"### {area.capitalize()}", "", "| query | Trino | here | documented in |", "|---|---|---|---|"]
        for row in group:
            here = "equal" if told[row.query] == row.expected else "refused"
            lines.append(f"| {code(row.sql)} | {code(row.expected)} | {here} | {row.source} |")
    return "\n".join(lines) + "\n"


def code(text: str) -> str:
    if not text:
        return "(nothing)"
    marks = "``" if "`" in text else "`"
    return f"{marks}{text.replace('|', chr(92) + '|')}{marks}"
