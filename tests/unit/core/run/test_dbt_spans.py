"""run_results.json as spans."""

from __future__ import annotations

from datetime import UTC, datetime

from finks.run.gold.dbt_spans import NodeSpan, dbt_spans


def node(unique_id: str, status: str, *timing: tuple[str, str], message: str | None = None) -> dict:
    parts = [{"name": "execute", "started_at": begin, "completed_at": end} for begin, end in timing]
    return {"unique_id": unique_id, "status": status, "message": message, "timing": parts}


def spans(*nodes: dict) -> list[NodeSpan]:
    return dbt_spans({"metadata": {"generated_at": "2024-02-29T12:00:00.5Z"}, "results": list(nodes)})


def at(second: int, microsecond: int = 0) -> datetime:
    return datetime(2024, 2, 29, 12, 0, second, microsecond, UTC)


def test_a_model_lasts_from_its_compilation_to_its_end():
    times = ("2024-02-29T12:00:01Z", "2024-02-29T12:00:02.000005Z"), ("2024-02-29T12:00:03Z", "2024-02-29T12:00:09Z")
    (model,) = spans(node("model.finks.summary", "success", *times))
    assert (model.name, model.begin, model.end, model.failure) == ("dbt model summary", at(1), at(9), None)
    assert model.attributes == {"node": "model.finks.summary", "status": "success"}


def test_a_time_without_a_zone_is_utc():
    (model,) = spans(node("model.finks.a", "success", ("2024-02-29T12:00:01", "2024-02-29T12:00:02")))
    assert model.begin == at(1)


def test_what_was_skipped_has_a_span_without_length():
    (model,) = spans(node("model.finks.a", "skipped"))
    assert (model.begin, model.end, model.failure) == (at(0, 500000), at(0, 500000), None)


def test_what_failed_says_why():
    broken, silent = spans(
        node("test.finks.unique_a.0123abc", "fail", message="Got 2 results"), node("model.finks.b", "error")
    )
    assert (broken.name, broken.failure, silent.failure) == ("dbt test unique_a", "Got 2 results", "error")


def test_a_unit_test_is_named_with_its_model():
    (unit,) = spans(node("unit_test.finks.model_a.rounds_half_even", "pass"))
    assert unit.name == "dbt unit_test model_a.rounds_half_even"
