"""Keys are made once, kept as digests, and known again while nobody has revoked them."""

from __future__ import annotations

import asyncio
import json
import logging
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest
from finks.errors import ConfigurationError
from finks_api.keys.edit import add_key, read_document, revoke_key, set_plan
from finks_api.keys.model import KEY, KeyDocument, Plan
from finks_api.keys.place import KeyFile, key_place
from finks_api.keys.store import FRESH, DocumentKeys


@pytest.fixture
def place(tmp_path) -> KeyFile:
    return KeyFile(tmp_path / "api-keys.json")


def found(keys: DocumentKeys, *wanted: str):
    async def all_of_them():
        return [await keys.find(key) for key in wanted]

    return asyncio.run(all_of_them())


def test_a_key_is_known_with_what_it_may_do(place, clock):
    key, entry = add_key(place, name="Ann", now=clock(), datasets=["bars"], portfolios=["P1", "P2"])
    [grant] = found(DocumentKeys(place, clock=clock), key)
    assert (grant.key_id, grant.plan) == (entry.id, Plan(rate=10, burst=20, daily_quota=10_000))
    assert (grant.datasets, grant.portfolios) == (frozenset({"bars"}), frozenset({"P1", "P2"}))


def test_a_key_may_read_everything_unless_it_was_narrowed(place, clock):
    key, _ = add_key(place, name="Ann", now=clock())
    [grant] = found(DocumentKeys(place, clock=clock), key)
    assert (grant.datasets, grant.portfolios) == (None, None)


def test_a_key_is_what_api_gateway_takes(place, clock):
    key, _ = add_key(place, name="Ann", now=clock())
    assert KEY.fullmatch(key)
    assert key.isalnum()
    assert 20 <= len(key) <= 128


def test_no_other_text_is_a_key(place, clock):
    key, _ = add_key(place, name="Ann", now=clock())
    others = ("", key[:-1], key + "0", key.upper(), f" {key}", f"{key}\n", f"{key},{key}", "finks" + "0" * 64, "é" * 69)
    assert found(DocumentKeys(place, clock=clock), *others) == [None] * len(others)


def test_each_of_many_keys_is_known(place, clock):
    made = [add_key(place, name=f"user {number}", now=clock()) for number in range(200)]
    grants = found(DocumentKeys(place, clock=clock), *(key for key, _ in made))
    assert [grant.key_id for grant in grants] == [entry.id for _, entry in made]


def test_a_key_ends_at_its_time(place, clock):
    key, _ = add_key(place, name="Ann", now=clock(), expires_at=clock() + timedelta(days=1))
    keys = DocumentKeys(place, clock=clock)
    clock.pass_by(86_399)
    assert found(keys, key) != [None]
    clock.pass_by(1)
    assert found(keys, key) == [None]


def test_a_server_that_runs_learns_of_new_and_revoked_keys(place, clock):
    old, entry = add_key(place, name="Ann", now=clock())
    keys = DocumentKeys(place, clock=clock)
    revoke_key(place, entry.id)
    new, _ = add_key(place, name="Bob", now=clock())
    clock.pass_by(FRESH.total_seconds())
    [of_old, of_new] = found(keys, old, new)
    assert of_old is None
    assert of_new is not None


def test_a_clock_that_is_set_back_keeps_no_revoked_key(place, clock):
    key, entry = add_key(place, name="Ann", now=clock())
    keys = DocumentKeys(place, clock=clock)
    revoke_key(place, entry.id)
    clock.pass_by(-3600)
    assert found(keys, key) == [None]


@pytest.mark.parametrize("broken", [b"", b"{", b'{"keys": 3}', None])
def test_the_last_good_document_counts_while_there_is_no_other(place, clock, tmp_path, caplog, broken):
    key, entry = add_key(place, name="Ann", now=clock())
    keys = DocumentKeys(place, clock=clock)
    file = tmp_path / "api-keys.json"
    good = file.read_bytes()
    file.write_bytes(broken) if broken is not None else file.unlink()
    for _ in range(3):
        clock.pass_by(60)
        assert found(keys, key) != [None]
    assert {record.levelno for record in caplog.records} == {logging.WARNING}
    file.write_bytes(good)
    revoke_key(place, entry.id)
    clock.pass_by(60)
    assert found(keys, key) == [None]


class HeldFile(KeyFile):
    """A file on a disk that stops answering for as long as `answers` is clear."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.asked = 0
        self.answers = Event()
        self.answers.set()

    def read(self) -> bytes | None:
        self.asked += 1
        self.answers.wait()
        return super().read()


def test_a_place_that_does_not_answer_holds_up_one_request_only(tmp_path, clock):
    place = HeldFile(tmp_path / "k.json")
    key, _ = add_key(place, name="Ann", now=clock())
    keys = DocumentKeys(place, clock=clock)
    asked = place.asked
    place.answers.clear()
    for _ in range(4):
        clock.pass_by(60)
        assert found(keys, key) != [None]
    assert place.asked == asked + 1
    place.answers.set()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "JSON"),
        ("[]", "object"),
        ('{"version": 2}', "version"),
        ('{"key": []}', "key"),
        ('{"keys": [{"id": "0"}]}', "keys.0.id"),
        ('{"plans": {"standard": {"rate": "NaN", "burst": 1}}}', "plans.standard.rate"),
    ],
)
def test_a_wrong_document_is_named_at_the_start(tmp_path, clock, text, named):
    (tmp_path / "k.json").write_text(text)
    with pytest.raises(ConfigurationError, match=named) as raised:
        DocumentKeys(KeyFile(tmp_path / "k.json"), clock=clock)
    assert "k.json" in str(raised.value)


def test_an_api_without_keys_does_not_start(place, clock):
    with pytest.raises(ConfigurationError, match="finks keys create"):
        DocumentKeys(place, clock=clock)


@pytest.mark.parametrize("field", ["id", "sha256"])
def test_two_entries_are_never_the_same(place, clock, field):
    for name in ("Ann", "Bob"):
        add_key(place, name=name, now=clock())
    said = json.loads(place.read() or b"")
    said["keys"][1][field] = said["keys"][0][field]
    with pytest.raises(ConfigurationError, match=field):
        KeyDocument.parse(json.dumps(said).encode(), "here")


def test_a_plan_that_a_key_has_is_there(place, clock):
    add_key(place, name="Ann", now=clock())
    said = json.loads(place.read() or b"") | {"plans": {}}
    with pytest.raises(ConfigurationError, match="standard"):
        KeyDocument.parse(json.dumps(said).encode(), "here")


def test_a_document_survives_being_written_and_read(place, clock):
    set_plan(place, "fast", rate=0.5, burst=3, daily_quota=None)
    add_key(place, name="Ann Bée", now=clock(), plan="fast", datasets=["bars"], expires_at=clock() + timedelta(days=1))
    document = read_document(place)
    assert KeyDocument.parse(document.text(), "here") == document


def test_only_the_owner_can_read_the_file(place, clock, tmp_path):
    add_key(place, name="Ann", now=clock())
    (tmp_path / "api-keys.json").chmod(0o644)
    add_key(place, name="Bob", now=clock())
    assert stat.S_IMODE((tmp_path / "api-keys.json").stat().st_mode) == 0o600


def test_a_change_goes_through_a_symbolic_link(tmp_path, clock):
    (tmp_path / "link.json").symlink_to("real.json")
    add_key(KeyFile(tmp_path / "link.json"), name="Ann", now=clock())
    assert (tmp_path / "link.json").is_symlink()
    assert len(read_document(KeyFile(tmp_path / "real.json")).keys) == 1


def test_changes_at_the_same_time_are_all_kept_and_leave_nothing_else(place, clock, tmp_path):
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda number: add_key(place, name=str(number), now=clock()), range(40)))
    assert {entry.id for entry in read_document(place).keys} == {entry.id for _, entry in made}
    assert [file.name for file in tmp_path.iterdir()] == ["api-keys.json"]


def test_a_change_that_is_refused_changes_nothing(place, clock):
    add_key(place, name="Ann", now=clock())
    before = place.read()
    for refused in (
        lambda: add_key(place, name="a\nb", now=clock()),
        lambda: add_key(place, name="a\u202eb", now=clock()),
        lambda: add_key(place, name="Ann", now=clock(), plan="nope"),
        lambda: add_key(place, name="Ann", now=clock(), datasets=["nope"]),
        lambda: add_key(place, name="Ann", now=clock(), portfolios=[]),
        lambda: add_key(place, name="Ann", now=clock(), expires_at=clock()),
        lambda: revoke_key(place, "nope"),
        lambda: set_plan(place, "standard", rate=0, burst=1, daily_quota=None),
        lambda: set_plan(place, "Nope", rate=1, burst=1, daily_quota=None),
    ):
        with pytest.raises(ConfigurationError):
            refused()
    assert place.read() == before


def test_a_file_that_cannot_be_had_is_an_error_of_the_configuration(tmp_path, clock):
    for path in (tmp_path, tmp_path / "absent" / "k.json"):
        with pytest.raises(ConfigurationError):
            add_key(KeyFile(path), name="Ann", now=clock())


def test_an_address_of_neither_kind_is_refused():
    with pytest.raises(ConfigurationError, match=r"api\.keys"):
        key_place("https://example.com/keys.json")
