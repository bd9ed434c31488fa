"""A page token is good for its key, its query and nothing else."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest
from finks_api.paging import Page, PageTokens
from finks_api.problems import Problem
from hypothesis import given
from hypothesis import strategies as st

TOKENS = PageTokens(b"a secret")
TYPES = (pa.string(), pa.date32(), pa.int64())
VALUES = st.tuples(st.text(), st.dates(), st.integers(-(2**63), 2**63 - 1))
PAGE = Page(7, ("AAPL", date(2020, 1, 2), 3))
TOKEN = TOKENS.make(PAGE, key_id="k", query=b"q")


@given(st.builds(Page, st.integers(1, 2**40), st.none() | VALUES), st.text(), st.binary())
def test_what_is_made_can_be_opened(page, key_id, query):
    token = TOKENS.make(page, key_id=key_id, query=query)
    assert TOKENS.open(token, key_id=key_id, query=query, key=TYPES) == page


@given(st.integers(0, len(TOKEN) - 1), st.characters(codec="utf-8"))
def test_a_token_that_was_changed_is_refused(at, letter):
    changed = TOKEN[:at] + letter + TOKEN[at + 1 :]
    # The last letter of base64 has bits that mean nothing.
    if changed[:-1] != TOKEN[:-1]:
        with pytest.raises(Problem):
            TOKENS.open(changed, key_id="k", query=b"q", key=TYPES)


@given(st.text())
def test_what_is_no_token_is_refused(text):
    with pytest.raises(Problem, match="first page"):
        TOKENS.open(text, key_id="k", query=b"q", key=TYPES)


@pytest.mark.parametrize(("key_id", "query"), [("other", b"q"), ("k", b"other"), ("kq", b""), ("", b"kq")])
def test_a_token_of_another_key_or_query_is_refused(key_id, query):
    with pytest.raises(Problem, match="first page"):
        TOKENS.open(TOKEN, key_id=key_id, query=query, key=TYPES)


def test_another_secret_signs_otherwise():
    assert PageTokens(b"another").make(PAGE, key_id="k", query=b"q") != TOKEN


def test_a_token_shows_nothing_of_its_key():
    assert "canary" not in TOKENS.make(PAGE, key_id="canary", query=b"canary")
