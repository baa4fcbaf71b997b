from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from airflow_netmera_kinesis.storage import LocalFolder


def test_a_link_that_points_back_at_a_folder_above_is_not_followed_for_ever(tmp_path: Path) -> None:
    (tmp_path / "2026").mkdir()
    (tmp_path / "2026" / "a.ndjson").write_bytes(b"x")
    (tmp_path / "2026" / "loop").symlink_to(tmp_path / "2026", target_is_directory=True)
    listed = sorted(info.name for info in LocalFolder(tmp_path).list())
    assert listed[0] == "2026/a.ndjson"
    assert len(listed) <= 2


def test_a_mount_without_hard_links_still_creates_only_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    folder = LocalFolder(tmp_path)
    assert folder.create("lease", b"first")
    assert not folder.create("lease", b"second")
    assert folder.read("lease") == b"first"


def test_an_entry_that_was_cut_short_is_an_error_and_the_next_one_begins_a_new_segment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = LocalFolder(tmp_path)
    appender = folder.appender("a.log")
    appender.append(b"one")
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:1]))
    with pytest.raises(OSError, match="No space left"):
        appender.append(b"two")
    monkeypatch.undo()
    appender.append(b"three")
    appender.close()
    assert [file.read() for file in folder.open_appended("a.log")] == [b"onet", b"three"]


def test_a_folder_that_may_only_be_read_still_tells_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "read-only")

    monkeypatch.setattr(Path, "touch", refuse)
    assert LocalFolder(tmp_path).now_ms() > 1_700_000_000_000
