"""Folders on real servers: asyncssh for SFTP, pyftpdlib for FTP, with MLSD and without."""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path

import pytest
from served_folder import ServedFolder

from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.storage import ReadableFolder

LARGE = random.Random(5).randbytes(3_000_000)
LATELY = time.time() // 60 * 60 - 10 * 86_400  # a whole minute, and this year's: LIST tells no more


def names(folder: ReadableFolder, prefix: str = "") -> list[str]:
    return sorted(info.name for info in folder.list(prefix))


def test_files_are_listed_with_their_size_and_time_also_nested_ones(served: ServedFolder) -> None:
    served.write("a.csv", b"12345", at=LATELY)
    served.write("2026/09/büyük harf.csv", b"1", at=LATELY)
    folder = served.open()
    assert names(folder) == ["2026/09/büyük harf.csv", "a.csv"]
    assert names(folder, "2026/") == names(folder, "2026/09/b") == ["2026/09/büyük harf.csv"]
    listed = {info.name: info for info in folder.list()}
    assert listed["a.csv"].size == 5
    assert listed["a.csv"].modified_ms == LATELY * 1000  # pyftpdlib tells LIST's times in UTC
    for name, info in listed.items():
        assert folder.info(name) == info


def test_a_file_is_described_as_it_was_listed_however_long_ago_it_was_written(served: ServedFolder) -> None:
    for number, age in enumerate((0, 3_600, 90 * 86_400, 400 * 86_400)):
        served.write(f"{number}.csv", b"x", at=1_700_000_000 - age)
    served.write("new.csv", b"x")
    folder = served.open()
    assert [folder.info(info.name) for info in folder.list()] == list(folder.list())


def test_what_is_hidden_is_not_even_entered(served: ServedFolder) -> None:
    served.write(".ssh/known.csv", b"x")
    served.write(".a.csv", b"x")
    assert names(served.open()) == []


def test_an_empty_folder_and_one_that_is_not_there_hold_nothing(served: ServedFolder) -> None:
    folder = served.open()
    assert names(folder) == names(folder, "2026/") == []


@pytest.mark.parametrize("call", ["info", "read"])
def test_a_missing_file_and_a_folder_are_no_file(served: ServedFolder, call: str) -> None:
    served.write("2026/a.csv", b"x")
    for name in ("nobody.csv", "2026"):
        with pytest.raises(FileNotFoundError):
            getattr(served.open(), call)(name)


@pytest.mark.parametrize("size", [0, 1, 32 * 1024, 32 * 1024 + 1, len(LARGE)])
def test_a_file_is_read_whole(served: ServedFolder, size: int) -> None:
    served.write("a.csv", LARGE[:size])
    assert served.open().read("a.csv") == LARGE[:size]


def test_a_file_is_read_from_where_a_seek_leads(served: ServedFolder) -> None:
    served.write("a.csv", LARGE)
    with served.open().open("a.csv", 64 * 1024) as file:
        assert file.read(5) == LARGE[:5]
        file.seek(2_000_000)
        assert file.read(300_000) == LARGE[2_000_000:2_300_000]
        file.seek(-2, os.SEEK_END)
        assert (file.read(), file.read()) == (LARGE[-2:], b"")
        file.seek(1)
        assert (file.read(1), file.tell()) == (LARGE[1:2], 2)


def test_where_a_server_cannot_begin_in_the_middle_what_is_known_comes_again(served: ServedFolder) -> None:
    served.whims.unknown |= {"REST"}
    served.write("a.csv", LARGE)
    with served.open().open("a.csv") as file:
        file.seek(2_999_990)
        assert file.read() == LARGE[-10:]


def test_several_files_are_read_at_once(served: ServedFolder) -> None:
    served.write("a.csv", LARGE)
    served.write("b.csv", LARGE[::-1])
    folder = served.open()
    with folder.open("a.csv") as first, folder.open("b.csv") as second:
        assert (first.read(10), second.read(10)) == (LARGE[:10], LARGE[::-1][:10])
        assert folder.info("a.csv").size == len(LARGE)
        assert first.read() == LARGE[10:]


def test_a_file_that_is_read_in_part_leaves_its_connection_to_the_next(served: ServedFolder) -> None:
    served.write("a.csv", LARGE)
    folder = served.open()
    logins = served.whims.asked["login"] + served.whims.asked["PASS"]
    for _ in range(3):
        with folder.open("a.csv") as file:
            assert file.read(5) == LARGE[:5]
    assert served.whims.asked["login"] + served.whims.asked["PASS"] == logins
    assert served.pauses == []


def test_links_are_followed_but_never_round_in_circles(served: ServedFolder) -> None:
    served.write("days/a.csv", b"12345", at=LATELY)
    served.local("latest.csv").symlink_to("days/a.csv")
    served.local("days/up").symlink_to("..")
    served.local("broken.csv").symlink_to("nowhere")
    folder = served.open()
    found = {info.name: info.size for info in folder.list()}
    assert {"days/a.csv": 5, "latest.csv": 5}.items() <= found.items()
    assert not any(name.count("up") > 1 or "broken" in name for name in found)


def test_what_the_user_may_not_read_is_told_by_name(served: ServedFolder) -> None:
    served.write("closed/a.csv", b"x")
    served.whims.denied = "closed"
    folder = served.open()
    if served.server.scheme == "sftp":
        with pytest.raises(ConfigurationError, match="closed: the user of connection 'netmera_files' may not list it"):
            names(folder)
        with pytest.raises(ConfigurationError, match=r"a\.csv: the user of connection 'netmera_files' may not read it"):
            folder.read("closed/a.csv")
    else:
        assert names(folder) == []  # FTP has one answer for what is missing and what is forbidden


def test_a_name_in_another_encoding_is_told_rather_than_left_out(
    served: ServedFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    if served.server.scheme == "ftp":
        served.write("Türkçe.csv", b"x")
        said = served.server.connection(extra={"encoding": "ascii"})
        monkeypatch.setenv("AIRFLOW_CONN_NETMERA_FILES", json.dumps(said))
        told = "say in the extra 'encoding' of connection 'netmera_files' how names are written, such as cp1254"
    else:
        Path(os.fsdecode(os.fsencode(served.path) + b"/T\xfcrk\xe7e.csv")).touch()
        told = "rename the file"
    with pytest.raises(ConfigurationError, match=rf"holds a name that is not UTF-8: {told}"):
        names(served.open())


def test_a_server_of_files_does_not_tell_the_time(served: ServedFolder) -> None:
    assert served.open().now_ms() is None
