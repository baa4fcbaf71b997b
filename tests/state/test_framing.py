"""An appended file is readable up to its last whole entry, cut off at whatever byte."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_netmera_kinesis.state.framing import frame, whole_entries

ENTRIES = [b"ayse", b"\x00", b"m" * 300, b"\xff\xfe"]
WRITTEN = b"".join(map(frame, ENTRIES))
ENDS = [sum(len(frame(entry)) for entry in ENTRIES[:count]) for count in range(len(ENTRIES) + 1)]


def read(data: bytes) -> list[bytes]:
    return list(whole_entries(io.BytesIO(data)))


def test_what_was_framed_is_read_back() -> None:
    assert read(WRITTEN) == ENTRIES
    assert read(b"") == []


def test_a_writer_killed_at_any_byte_loses_only_the_entry_that_it_was_writing() -> None:
    for length in range(len(WRITTEN) + 1):
        whole = sum(end <= length for end in ENDS) - 1
        assert read(WRITTEN[:length]) == ENTRIES[:whole]


def test_a_changed_byte_ends_the_reading_before_its_entry() -> None:
    for at in range(len(WRITTEN)):
        damaged = bytearray(WRITTEN)
        damaged[at] ^= 0x10
        whole = sum(end <= at for end in ENDS) - 1
        assert read(bytes(damaged)) == ENTRIES[:whole]


@pytest.mark.parametrize("zeros", [1, 7, 8, 9, 4096])
def test_zeros_after_a_power_cut_are_no_entries(zeros: int) -> None:
    assert read(WRITTEN + bytes(zeros)) == ENTRIES


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=8), st.integers(0, 500))
def test_any_entries_cut_anywhere(entries: list[bytes], cut: int) -> None:
    data = b"".join(map(frame, entries))
    back = read(data[:cut])
    assert back == entries[: len(back)]
    assert len(back) == len(entries) or len(data) > cut
