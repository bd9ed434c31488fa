"""Incremental decompression equals the whole one, however the bytes are cut."""

from __future__ import annotations

import gzip
import zlib

import pytest
from finks.source.decompress import STEP, CorruptStreamError, Decompressor
from hypothesis import given, settings
from hypothesis import strategies as st

ROOM = 1 << 30


@settings(max_examples=60, deadline=None)
@given(bodies=st.lists(st.binary(max_size=2000), min_size=1, max_size=3), cut=st.integers(1, 500))
def test_any_split_of_any_gzip_members_gives_the_original(bodies: list[bytes], cut: int):
    packed = b"".join(gzip.compress(body) for body in bodies)
    decoder = Decompressor("gzip")
    out = b"".join(decoder.feed(packed[i : i + cut], ROOM) for i in range(0, len(packed), cut))
    assert out == b"".join(bodies)
    assert decoder.finished


@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=500), data=st.data())
def test_no_proper_part_of_a_stream_passes_for_finished(body: bytes, data: st.DataObject):
    packed = gzip.compress(body)
    decoder = Decompressor("gzip")
    decoder.feed(packed[: data.draw(st.integers(1, len(packed) - 1))], ROOM)
    assert not decoder.finished


@pytest.mark.parametrize("size", [STEP - 1, STEP, STEP + 1, 2 * STEP])
def test_bodies_around_the_step_size_come_out_whole(size: int):
    decoder = Decompressor("deflate")
    assert decoder.feed(zlib.compress(bytes(size)), ROOM) == bytes(size)
    assert decoder.finished


def test_one_feed_gives_little_more_than_there_is_room_for():
    assert len(Decompressor("gzip").feed(gzip.compress(bytes(50 * STEP)), STEP)) <= 2 * STEP


def test_rubbish_after_the_end_is_corrupt():
    with pytest.raises(CorruptStreamError):
        Decompressor("gzip").feed(gzip.compress(b"x") + b"rubbish", ROOM)
