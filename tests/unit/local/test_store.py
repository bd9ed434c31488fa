"""What the endpoint remembers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from finks_local.store import Store


def test_records_survive_the_process(tmp_path):
    first = Store(tmp_path / "s.sqlite")
    first.put("workgroup", "w", {"State": "ENABLED"})
    second = Store(tmp_path / "s.sqlite")  # the first was never closed, as after kill -9
    assert second.get("workgroup", "w") == {"State": "ENABLED"}


def test_records_come_oldest_first_and_keep_their_place():
    store = Store()
    for key in "bca":
        store.put("k", key, {})
    store.put("k", "c", {"x": 1})
    assert store.keys("k") == ["b", "c", "a"]


def test_kinds_are_apart():
    store = Store()
    store.put("a", "same", {"of": "a"})
    store.put("b", "same", {"of": "b"})
    assert store.delete("a", "same")
    assert not store.delete("a", "same")
    assert store.values("b") == [{"of": "b"}]


def test_threads_share_a_store():
    store = Store()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: store.put("k", str(n), {"n": n}), range(500)))
    assert store.count("k") == 500
