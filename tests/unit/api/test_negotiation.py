"""Which format a request gets, by RFC 9110."""

from __future__ import annotations

from contextlib import suppress

import pytest
from finks_api.formats import FORMATS, choices, negotiate
from finks_api.problems import Problem
from finks_api.representation import accepts_gzip
from hypothesis import given
from hypothesis import strategies as st

TYPES = [each.media_type for each in FORMATS]
RANGES = [*TYPES, "text/*", "application/*", "*/*", "text/html"]
WEIGHTS = ["0", "0.001", "0.5", "0.9", "1", "1.000"]


@pytest.mark.parametrize(
    ("accept", "name"),
    [
        (None, "json"),
        ("", "json"),
        ("*/*", "json"),
        ("text/csv", "csv"),
        ("TEXT/CSV", "csv"),
        ("text/*", "csv"),
        ("application/x-ndjson", "ndjson"),
        ("application/vnd.apache.arrow.stream", "arrow"),
        ("text/csv, application/json", "json"),
        ("text/csv, application/json;q=0.9", "csv"),
        ("application/json;q=0.1, text/csv ; q=0.2", "csv"),
        ("*/*, application/json;q=0", "csv"),
        ("text/*;q=0.3, text/csv;q=0, */*;q=0.1", "json"),
        ("text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8", "json"),
        ("text/csv; charset=utf-8", "csv"),
        ('text/csv;charset="UTF-8"', "csv"),
        ("application/json; charset=utf-8", "json"),
        ("text/csv;charset=utf-8, text/csv;q=0", "csv"),
        ("text/csv; header=absent, application/x-ndjson;q=0.1", "ndjson"),
        ("text/csv;q=2, application/x-ndjson", "ndjson"),
        (", ,text/csv,", "csv"),
        ('application/json;profile="a,text/csv;q=1", application/x-ndjson;q=0.2', "ndjson"),
        ("???", "json"),
    ],
)
def test_the_format_by_accept(accept, name):
    assert negotiate(accept, None).name == name


@pytest.mark.parametrize("accept", ["text/html", "*/*;q=0", "text/csv;q=0", "application/vnd.apache.arrow.stream;a=b"])
def test_no_format_that_is_accepted_is_a_problem_that_lists_what_there_is(accept):
    with pytest.raises(Problem) as caught:
        negotiate(accept, None)
    assert caught.value.status == 406
    assert caught.value.document()["formats"] == ["json", "csv", "ndjson", "arrow"]


@pytest.mark.parametrize("name", [each.name for each in FORMATS])
def test_the_parameter_wins_over_accept(name):
    assert negotiate("text/html", name).name == name


@pytest.mark.parametrize("name", ["", "xml", "JSON"])
def test_an_unknown_format_is_a_problem(name):
    with pytest.raises(Problem, match="ndjson"):
        negotiate("application/json", name)


def by_the_book(accept: list[tuple[str, str]]) -> str | None:
    """The best format, one rule after the other."""
    best, chosen = 0.0, None
    for kind in TYPES:
        for name in (kind, kind.split("/")[0] + "/*", "*/*"):
            weights = [float(weight) for each, weight in accept if each == name]
            if weights:
                if weights[-1] > best:
                    best, chosen = weights[-1], kind
                break
    return chosen


@given(st.lists(st.tuples(st.sampled_from(RANGES), st.sampled_from(WEIGHTS)), min_size=1, max_size=6))
def test_the_most_specific_range_and_the_greatest_weight_decide(accept):
    expected = by_the_book(accept)
    header = ", ".join(f"{name};q={weight}" for name, weight in accept)
    if expected is None:
        with pytest.raises(Problem):
            negotiate(header, None)
    else:
        assert negotiate(header, None).media_type == expected


@given(st.text(st.sampled_from('*/,;=q01."\\ text/csvé'), max_size=60))
def test_whatever_is_sent_gets_a_format_or_the_problem(accept):
    with suppress(Problem):
        assert negotiate(accept, None) in FORMATS


def test_a_header_of_thousands_of_elements_is_read_once_through():
    assert len(list(choices('a/b;c="d,e";q=0.5,' * 5000))) == 5000
    assert list(choices('"' * 60_000)) == []
    assert list(choices("a/b" + ";" * 60_000)) != []


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP, deflate, br, zstd", True),
        ("x-gzip", True),
        ("*", True),
        ("*;q=0", False),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("br, zstd", False),
        ("identity", False),
        ("identity;q=1, gzip;q=0.5", False),
        ("identity;q=0.5, gzip;q=0.5", True),
        ("gzip;q=0.001", True),
        ("gzip;q=nonsense", False),
    ],
)
def test_gzip_by_accept_encoding(header, accepted):
    assert accepts_gzip(header) is accepted


@pytest.mark.timeout(60)
def test_quotes_without_an_end_take_no_time():
    """Linear: with the square of these characters it would take hours."""
    assert not list(choices('"\\' * 500_000))


def test_what_is_quoted_without_an_end_counts_as_not_sent():
    assert [each.name for each in choices('text/csv, application/json;a="x, */*')] == ["text/csv"]
