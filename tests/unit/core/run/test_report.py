from __future__ import annotations

from datetime import UTC, date, datetime

from finks.run.outcome import GRAVITY
from finks.run.report import RunReport, render


def report() -> RunReport:
    return RunReport(run_id="r", logical_date=date(2024, 1, 2), lake="l", started_at=datetime(2024, 1, 2, tzinfo=UTC))


def test_the_gravest_exit_code_stands():
    made = report()
    for code in (3, 5, 4):
        made.settle(code, f"problem {code}")
    assert made.exit_code == 5


def test_every_error_class_has_a_place_in_the_order():
    from finks import errors

    classes = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, errors.FinksError)]
    assert {c.exit_code for c in classes} <= set(GRAVITY)


def test_the_text_says_what_to_do():
    made = report()
    made.settle(4, "fmp: 3 slices failed", "Run the same command again later.")
    assert "Problem: fmp: 3 slices failed" in render(made)
    assert "To do: Run the same command again later." in render(made)


def test_the_report_as_json_reads_back_equal():
    made = report()
    made.stream("fmp_daily_bars").changes.append("AAPL 2013-02-28 close 441.40 → 441.00")
    assert RunReport.model_validate_json(made.model_dump_json(indent=2)) == made
