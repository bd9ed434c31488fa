"""Any story of runs: each episode of a problem is told once, and once that it is over."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from finks.notify.book import Book, close, due, forget, mark, note
from hypothesis import given
from hypothesis import strategies as st

from .conftest import START, alert

PAUSE = timedelta(hours=24)
SUBJECTS = ("a", "b")


@st.composite
def stories(draw):
    """Runs: the hours since the last one, what each found, what it looked at, and who could not be reached."""
    some = st.sets(st.sampled_from(SUBJECTS))
    run = st.tuples(st.integers(1, 30), some, some, st.sets(st.sampled_from(("mail", "hook"))))
    return draw(st.lists(run, max_size=12))


def play(book: Book, run, now, *, resolved: bool, told) -> Book:
    _, found, looked, away = run
    book = note(book, [alert(subject, now) for subject in found])
    book = close(book, lambda one: one.subject in looked - found, now, tell=resolved)
    done: dict[str, list[str]] = {}
    keys = {alert(subject).key for subject in found}
    for name in ("mail", "hook"):
        for key, entry in book.entries.items():
            if name not in away and due(entry, name, again=key in keys, now=now, pause=PAUSE):
                told.append((name, entry.alert.subject, entry.alert.status, now))
                done.setdefault(key, []).append(name)
    return forget(mark(book, done, now), ("mail", "hook"))


def episodes(story, subject: str):
    """The first and the last moment of each episode of a problem; the last is None while it goes on."""
    now, made = START, []
    for hours, found, looked, _ in story:
        now += timedelta(hours=hours)
        if subject in found and (not made or made[-1][1] is not None):
            made.append([now, None])
        elif subject in looked - found and made and made[-1][1] is None:
            made[-1][1] = now
    return made


def told_of(story, *, resolved: bool):
    now, book, told = START, Book(), []
    for run in story:
        now += timedelta(hours=run[0])
        # What one run writes is all that the next one knows.
        book = Book.model_validate_json(play(book, run, now, resolved=resolved, told=told).model_dump_json())
    return told, book


def always_there(story):
    return [(hours, found, looked, set()) for hours, found, looked, _ in story]


@given(stories(), st.booleans())
def test_an_episode_is_told_when_it_begins_and_repeated_at_most_once_a_day(story, resolved):
    told, _ = told_of(always_there(story), resolved=resolved)
    for subject in SUBJECTS:
        opened = [now for name, of, status, now in told if (name, of, status) == ("mail", subject, "open")]
        spans = episodes(story, subject)
        assert [now for now in opened if now in {first for first, _ in spans}] == [first for first, _ in spans]
        for first, last in spans:
            within = [now for now in opened if now >= first and (last is None or now < last)]
            assert all(after - before >= PAUSE for before, after in pairwise(within))


@given(stories())
def test_the_end_of_an_episode_is_told_once(story):
    told, _ = told_of(always_there(story), resolved=True)
    for subject in SUBJECTS:
        over = [now for name, of, status, now in told if (name, of, status) == ("hook", subject, "resolved")]
        assert over == [last for _, last in episodes(story, subject) if last is not None]


@given(stories())
def test_without_resolved_notices_an_end_is_not_told_to_whoever_knew(story):
    told, _ = told_of(always_there(story), resolved=False)
    assert [one for one in told if one[2] == "resolved"] == []


@given(stories())
def test_whoever_was_away_for_a_while_hears_the_newest_of_every_problem(story):
    # After the story everybody is there, and a run looks at nothing.
    story = [*story, (1, set(), set(), set())]
    told, _ = told_of(story, resolved=True)
    for name in ("mail", "hook"):
        for subject in SUBJECTS:
            for first, last in episodes(story, subject)[-1:]:
                heard = [(now, status) for who, of, status, now in told if (who, of) == (name, subject)]
                assert heard[-1][0] >= first
                assert heard[-1][1] == ("open" if last is None else "resolved")


@given(stories(), st.booleans())
def test_the_book_holds_what_is_open_and_nothing_else_once_everybody_was_told(story, resolved):
    _, book = told_of(always_there(story), resolved=resolved)
    open_now = {subject for subject in SUBJECTS if (made := episodes(story, subject)) and made[-1][1] is None}
    assert {entry.alert.subject for entry in book.entries.values()} == open_now
