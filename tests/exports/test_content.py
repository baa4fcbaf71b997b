from __future__ import annotations

import gzip
import hashlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_netmera_kinesis.errors import ExportChanged, ExportError
from airflow_netmera_kinesis.exports.content import StoredContent, decompressed

LINES = b"".join(b'{"id":"e%d"}\n' % n for n in range(5000))


def read_all(data: bytes, size: int = 1000) -> bytes:
    content = decompressed(StoredContent(io.BytesIO(data), len(data)))
    return b"".join(iter(lambda: content.read(size), b""))


@given(st.binary(max_size=300), st.integers(1, 400))
def test_plain_bytes_come_as_they_are_and_zipped_ones_as_they_were(data: bytes, size: int) -> None:
    assert read_all(gzip.compress(data), size) == data
    assert read_all(b"x" + data, size) == b"x" + data


def test_several_gzip_members_are_one_content() -> None:
    assert read_all(gzip.compress(LINES) + gzip.compress(b"") + gzip.compress(b"end")) == LINES + b"end"


def test_gzip_is_known_by_its_content_not_by_its_name() -> None:
    assert read_all(b"\x1f") == b"\x1f"
    assert read_all(b"") == b""


@pytest.mark.parametrize("cut", [1, 8, 40, 200])
def test_a_gzip_that_ends_too_early_is_truncated(cut: int) -> None:
    with pytest.raises(ExportError, match=r"^truncated gzip$"):
        read_all(gzip.compress(LINES)[:-cut])


def test_a_gzip_of_two_bytes_is_truncated() -> None:
    with pytest.raises(ExportError, match=r"^truncated gzip$"):
        read_all(b"\x1f\x8b")


def test_a_gzip_with_other_bytes_inside_or_behind_is_damaged() -> None:
    data = bytearray(gzip.compress(LINES))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(ExportError, match=r"^damaged gzip"):
        read_all(bytes(data))
    with pytest.raises(ExportError, match=r"^damaged gzip"):
        read_all(gzip.compress(LINES) + b"garbage")


def test_the_digest_covers_what_is_stored_also_what_nobody_read() -> None:
    data = gzip.compress(LINES)
    stored = StoredContent(io.BytesIO(data), len(data))
    decompressed(stored).read(10)
    assert stored.digest() == hashlib.sha256(data).hexdigest()


def test_of_a_file_that_has_grown_only_the_planned_part_is_read() -> None:
    stored = StoredContent(io.BytesIO(b"planned\nnew\n"), 8)
    content = decompressed(stored)
    assert [content.read(2), content.read(100), content.read(100)] == [b"pl", b"anned\n", b""]
    assert stored.digest() == hashlib.sha256(b"planned\n").hexdigest()


def test_a_file_that_has_shrunk_is_not_the_one_that_was_planned() -> None:
    with pytest.raises(ExportChanged, match="has only 3 of 8 bytes"):
        StoredContent(io.BytesIO(b"abc"), 8).digest()
