"""Values as they stand in text: CSV lines, JSON lines, partitions' folders, parameters."""

from __future__ import annotations

import csv
import io
import json
from urllib.parse import unquote

import pytest
from finks_local.engine.ddl.reader import hive_string, tokens
from finks_local.engine.execute.parameters import bind
from finks_local.engine.scan.textual import lower_keys, split_csv
from finks_local.engine.storage import DataFile
from finks_local.engine.write.hive import partition_path
from finks_local.sql.errors import QueryError
from finks_local.sql.types import VARCHAR, Column
from hypothesis import given
from hypothesis import strategies as st

text = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r\n\0\\"), max_size=12)


@given(st.lists(text, min_size=1, max_size=6))
def test_a_line_that_csv_wrote_is_read_back(values: list[str]):
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow(values)
    assert split_csv(written.getvalue(), ",", '"', "\\") == values


def test_a_backslash_escapes_a_quote_inside_quotes():
    assert split_csv(r'a,"b\"c",d', ",", '"', "\\") == ["a", 'b"c', "d"]


@given(st.dictionaries(st.text(max_size=5), st.recursive(st.text(max_size=5) | st.integers(), st.lists, max_leaves=4)))
def test_names_become_lower_case_and_values_stay(record: dict[str, object]):
    expected = {key.lower(): value for key, value in record.items()}
    assert json.loads(lower_keys(json.dumps(record, ensure_ascii=False))) == expected


@given(st.lists(st.none() | text.filter(lambda value: value != ""), min_size=1, max_size=3))
def test_a_partitions_folder_tells_its_values(values: list[str | None]):
    keys = [Column(f"k{i}", VARCHAR) for i in range(len(values))]
    parts = [part.partition("=")[2] for part in partition_path(keys, values).rstrip("/").split("/")]
    told = [None if part == "__HIVE_DEFAULT_PARTITION__" else unquote(part) for part in parts]
    assert told == values


@given(st.lists(st.none() | text, max_size=3), text.filter(lambda key: key.strip() != ""))
def test_a_data_files_path_holds_no_pattern_and_one_key(values: list[str | None], key: str):
    path = DataFile(f"s3://bucket/{key}", 7, tuple(values)).path
    assert not set(path) & set("*?[]{}")
    assert unquote(path.split("/@/", 1)[1]) == f"bucket/{key}"


def test_parameters_stand_in_for_question_marks_outside_of_texts_and_comments():
    bound = bind("SELECT '?', ? -- ?\nFROM t WHERE d = ? AND n > ?", ["'it''s'", "date '2020-01-01'", "-1"])
    assert bound == "SELECT '?', 'it''s' -- ?\nFROM t WHERE d = date '2020-01-01' AND n > (-1)"


@pytest.mark.parametrize("value", ["1; DROP TABLE t", "1, 2", "x", "1 AS a", "(SELECT a FROM t)", "1 FROM t", "?"])
def test_a_parameter_is_one_constant_expression(value: str):
    with pytest.raises(QueryError):
        bind("SELECT ?", [value])


def test_the_number_of_parameters_must_agree():
    with pytest.raises(
        QueryError, match="INVALID_PARAMETER_USAGE: Incorrect number of parameters: expected 2 but found 1"
    ):
        bind("SELECT ?, ?", ["1"])


@pytest.mark.parametrize(
    ("literal", "value"), [(r"'\001'", "\x01"), (r"'\t'", "\t"), ("'a''b'", "a'b"), (r"'\\'", "\\")]
)
def test_hive_strings_know_escapes(literal: str, value: str):
    assert hive_string(literal) == value


def test_comments_and_the_last_semicolon_are_no_tokens():
    assert [token.text for token in tokens("/* a */ SELECT -- b\n 'x;y' ;")] == ["SELECT", "'x;y'"]
