"""Reading objects for DuckDB."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from finks_local.engine.storage import Handle, Meter
from finks_local.sql.errors import QueryError
from pyarrow.fs import LocalFileSystem


@pytest.fixture
def numbers(tmp_path):
    """A file of 100,000 numbers of eight digits each."""
    path = tmp_path / "numbers"
    path.write_bytes(b"".join(b"%08d" % i for i in range(100_000)))
    return LocalFileSystem().open_input_file(str(path))


def test_threads_that_share_a_handle_read_what_they_sought(numbers):
    handle = Handle(numbers, Meter())

    def read(start: int) -> bool:
        return all(handle.seek(i * 8) == i * 8 and handle.read(8) == b"%08d" % i for i in range(start, 100_000, 997))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(16)))


def test_reads_without_a_seek_go_on_where_the_last_ended(numbers):
    handle = Handle(numbers, Meter())
    handle.seek(16)
    assert handle.read(8) == b"00000002"
    assert [handle.read(8) for _ in range(3)] == [b"00000003", b"00000004", b"00000005"]
    assert handle.read(10_000_000)[-8:] == b"00099999"
    assert handle.read(8) == b""


def test_the_meter_ends_a_query_that_reads_too_much(numbers):
    meter = Meter(limit=20)
    handle = Handle(numbers, meter)
    handle.seek(0)
    handle.read(16)
    handle.seek(16)
    with pytest.raises(QueryError, match="Bytes scanned limit was exceeded"):
        handle.read(8)
    assert meter.scanned == 24


def test_a_cancelled_query_reads_no_more(numbers):
    cancel = threading.Event()
    handle = Handle(numbers, Meter(cancel=cancel))
    cancel.set()
    handle.seek(0)
    with pytest.raises(QueryError, match="USER_CANCELED"):
        handle.read(8)
