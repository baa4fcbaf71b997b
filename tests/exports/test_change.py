from __future__ import annotations

import hashlib

import pytest

from airflow_netmera_kinesis.errors import ExportError
from airflow_netmera_kinesis.exports.change import ends_with_newline, looks_untouched, what_is_new
from airflow_netmera_kinesis.state.checkpoint import Consumed
from airflow_netmera_kinesis.storage import FileInfo, Folder


def sent(content: bytes, last_line: int = 2, *, open_end: bool = False, name: str = "a.ndjson") -> Consumed:
    return Consumed(name, len(content), 1, "", hashlib.sha256(content).hexdigest(), last_line, open_end)


def write(folder: Folder, content: bytes, name: str = "a.ndjson") -> FileInfo:
    folder.write(name, content)
    return folder.info(name)


def test_the_same_content_under_a_new_time_is_nothing_new(folder: Folder) -> None:
    assert what_is_new(folder, write(folder, b"1\n2\n"), sent(b"1\n2\n")) is None


def test_of_a_file_that_grew_the_tail_is_new(folder: Folder) -> None:
    new = what_is_new(folder, write(folder, b"1\n2\n3\n"), sent(b"1\n2\n"))
    assert new is not None
    assert (new.size, new.skip_lines, new.again) == (6, 2, False)


@pytest.mark.parametrize("content", [b"1\n3\n", b"1\n3\n4\n", b"1\n", b""])
def test_other_content_under_the_same_name_is_all_of_it_again(folder: Folder, content: bytes) -> None:
    new = what_is_new(folder, write(folder, content), sent(b"1\n2\n"))
    assert new is not None
    assert (new.size, new.skip_lines, new.again) == (len(content), 0, True)


def test_a_file_that_was_set_aside_is_new_as_a_whole_once_it_changes(folder: Folder) -> None:
    before = Consumed("a.ndjson", 4, 1, "", "", 0, open_end=False)
    new = what_is_new(folder, write(folder, b"1\n2\n"), before)
    assert new is not None
    assert new.skip_lines == 0


@pytest.mark.parametrize(
    ("grown", "name", "skipped"),
    [
        (b'{"a":1}\n{"a":2}\n{"a":3}\n', "a.ndjson", 2),
        (b'{"a":1}\n{"a":2}\r\n', "a.ndjson", 2),
        (b'{"a":1}\n{"a":2},"b":3}\n', "a.ndjson", 1),
        (b'{"a":1}\n{"a":2}\n', "a.ndjson.gz", 1),
    ],
)
def test_a_last_line_without_a_newline_is_sent_again_only_if_it_may_have_grown(
    folder: Folder, grown: bytes, name: str, skipped: int
) -> None:
    new = what_is_new(folder, write(folder, grown, name), sent(b'{"a":1}\n{"a":2}', 2, open_end=True, name=name))
    assert new is not None
    assert new.skip_lines == skipped


def test_an_empty_file_that_grew_is_new_as_a_whole(folder: Folder) -> None:
    new = what_is_new(folder, write(folder, b"1\n"), sent(b"", 0))
    assert new is not None
    assert (new.skip_lines, new.again) == (0, False)


def test_a_file_that_vanishes_while_it_is_compared_fails_by_name(folder: Folder) -> None:
    info = write(folder, b"1\n2\n")
    folder.delete("a.ndjson")
    with pytest.raises(ExportError, match=r"a\.ndjson vanished"):
        what_is_new(folder, info, sent(b"1\n2\n"))


def test_an_etag_stands_for_the_content_and_a_time_does_where_there_is_none() -> None:
    assert looks_untouched(FileInfo("a", 4, 99, "abc"), 4, 1, "abc")
    assert not looks_untouched(FileInfo("a", 4, 1, "abd"), 4, 1, "abc")
    assert looks_untouched(FileInfo("a", 4, 1), 4, 1, "")
    assert not looks_untouched(FileInfo("a", 4, 2), 4, 1, "")
    assert not looks_untouched(FileInfo("a", 5, 1, "abc"), 4, 1, "abc")


def test_a_listing_that_tells_but_the_day_is_compared_by_the_day() -> None:
    day = 20_000 * 86_400_000
    old = FileInfo("a", 4, day, day_only=True)
    assert looks_untouched(old, 4, day, "")
    assert looks_untouched(old, 4, day + 86_399_999, "")
    assert not looks_untouched(old, 4, day + 86_400_000, "")
    assert not looks_untouched(old, 5, day, "")
    assert not looks_untouched(FileInfo("a", 4, day), 4, day + 60_000, "")


@pytest.mark.parametrize(
    ("name", "content", "whole"),
    [
        ("a.csv", b"1,2\n", True),
        ("a.csv", b"1,2\r\n", True),
        ("a.csv", b"1,2", False),
        ("a.csv", b"1", False),
        ("a.csv", b"\n", True),
        ("a.csv", b"", True),
        ("a.csv", "ayşe\n".encode("utf-16-le"), True),
        ("a.csv", "ayşe\n".encode("utf-16-be"), True),
        ("a.csv", "ayşe".encode("utf-16-le"), False),
        ("a.csv.gz", b"\x1f\x8b", True),
        ("a.xlsx", b"PK", True),
    ],
)
def test_the_last_bytes_tell_whether_the_last_line_is_whole(
    folder: Folder, name: str, content: bytes, whole: bool
) -> None:
    assert ends_with_newline(folder, write(folder, content, name)) is whole
