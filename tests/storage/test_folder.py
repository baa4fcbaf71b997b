from __future__ import annotations

import threading
import time
import uuid
from contextlib import suppress
from pathlib import Path

import fsspec
import pytest

from airflow_netmera_kinesis.storage import Folder, LocalFolder, ObjectFolder, S3Folder
from airflow_netmera_kinesis.storage.folder import segments


@pytest.fixture(params=["local", "s3", "memory"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    if request.param == "local":
        return LocalFolder(tmp_path / "folder")
    place = f"{uuid.uuid4().hex}/folder"
    if request.param == "s3":
        root = f"exports-and-state/{place}"
        return S3Folder(request.getfixturevalue("s3"), root, f"s3://{root}")
    return ObjectFolder(fsspec.filesystem("memory"), f"/{place}", f"memory://{place}")


def names(folder: Folder, prefix: str = "") -> list[str]:
    return sorted(info.name for info in folder.list(prefix))


def appended(folder: Folder, name: str) -> list[bytes]:
    return [file.read() for file in folder.open_appended(name)]


def write_half(folder: Folder, name: str) -> None:
    with folder.writer(name) as file:
        file.write(b"half")
        raise OSError("disk full")


def test_a_folder_that_was_never_written_is_empty(folder: Folder) -> None:
    assert names(folder) == []
    folder.delete("nothing")
    folder.delete_tree("nothing")


def test_what_is_written_is_read_listed_and_described(folder: Folder) -> None:
    folder.write("2026/09/a.ndjson", b"ayse\n")
    folder.write("b.ndjson", b"")
    assert folder.read("2026/09/a.ndjson") == b"ayse\n"
    assert names(folder) == ["2026/09/a.ndjson", "b.ndjson"]
    assert folder.info("2026/09/a.ndjson").size == 5
    assert {info.size for info in folder.list()} == {0, 5}


def test_a_list_can_be_narrowed_by_the_beginning_of_a_name(folder: Folder) -> None:
    for name in ("leases/plan.1", "leases/plan.2", "leases/plank.1", "other"):
        folder.write(name, b"x")
    assert names(folder, "leases/plan.") == ["leases/plan.1", "leases/plan.2"]


def test_folders_are_those_right_below(folder: Folder) -> None:
    assert folder.folders() == []
    for name in ("shop/open.json", "shop/slices/1.json", "bank/open.json", "file"):
        folder.write(name, b"x")
    assert sorted(folder.folders()) == ["bank", "shop"]
    assert folder.child("shop").folders() == ["slices"]


def test_a_write_replaces_and_is_seen_at_once(folder: Folder) -> None:
    for text in (b"one", b"two", b"three"):
        folder.write("pointer", text)
        assert folder.read("pointer") == text
        assert folder.info("pointer").size == len(text)


@pytest.mark.parametrize("call", ["read", "info"])
def test_a_missing_file_is_file_not_found(folder: Folder, call: str) -> None:
    with pytest.raises(FileNotFoundError):
        getattr(folder, call)("nobody")


def test_a_file_is_created_only_if_there_is_none(folder: Folder) -> None:
    assert folder.create("lease", b"first")
    assert not folder.create("lease", b"second")
    assert folder.read("lease") == b"first"
    folder.delete("lease")
    assert folder.create("lease", b"third")


def test_of_many_creators_at_once_exactly_one_wins(folder: Folder) -> None:
    won: list[int] = []
    gate = threading.Barrier(8)

    def create(number: int) -> None:
        gate.wait()
        if folder.create("lease", b"%d" % number):
            won.append(number)

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [b"%d" % number for number in won] == [folder.read("lease")]


def test_a_writer_that_fails_leaves_nothing_behind(folder: Folder) -> None:
    with pytest.raises(OSError, match="disk full"):
        write_half(folder, "part")
    assert names(folder) == []


def test_a_writer_that_fails_leaves_the_older_file_whole(folder: Folder) -> None:
    folder.write("part", b"old")
    with pytest.raises(OSError, match="disk full"):
        write_half(folder, "part")
    assert folder.read("part") == b"old"


def test_nothing_is_seen_of_a_file_until_it_is_whole(folder: Folder) -> None:
    with folder.writer("part") as file:
        file.write(b"half")
        file.flush()
        assert names(folder) == []
    assert names(folder) == ["part"]


def test_a_file_larger_than_an_upload_block_arrives_whole(folder: Folder) -> None:
    content = bytes(range(256)) * (17 * 4096)
    with folder.writer("large") as file:
        file.write(content)
    with folder.open("large", 1024 * 1024) as opened:
        assert opened.read() == content
    with folder.open("large", 1024 * 1024) as opened:
        opened.seek(len(content) - 2)
        assert opened.read() == b"\xfe\xff"


def test_a_tree_is_deleted_with_all_it_holds_and_nothing_beside_it(folder: Folder) -> None:
    for name in ("slices/1/a", "slices/1/b/c", "slices/12/a"):
        folder.write(name, b"x")
    folder.delete_tree("slices/1")
    assert names(folder) == ["slices/12/a"]


def test_a_child_sees_its_own_part_of_the_folder(folder: Folder) -> None:
    child = folder.child("state")
    child.write("pointer", b"1")
    assert names(folder) == ["state/pointer"]
    assert names(child) == ["pointer"]
    assert child.uri == f"{folder.uri}/state"


def test_several_files_are_read_in_the_order_asked_for(folder: Folder) -> None:
    for number in range(20):
        folder.write(f"{number}", b"%d" % number)
    assert list(folder.read_many(["3", "19", "0"])) == [b"3", b"19", b"0"]
    assert list(folder.read_many(str(number) for number in range(20))) == [b"%d" % number for number in range(20)]
    assert list(folder.read_many([])) == []


def test_each_appender_begins_a_segment_and_all_are_read_in_order(folder: Folder) -> None:
    for entry in (b"one", b"two"):
        appender = folder.appender("ledger/stream.log")
        appender.append(entry)
        appender.append(b"+")
        appender.close()
    assert segments(folder, "ledger/stream.log") == ["ledger/stream.000001.log", "ledger/stream.000002.log"]
    assert appended(folder, "ledger/stream.log") == [b"one+", b"two+"]


@pytest.mark.parametrize("in_turn", [False, True])
def test_an_appender_that_appends_nothing_leaves_no_file(folder: Folder, *, in_turn: bool) -> None:
    appender = folder.appender("ledger.log", in_turn=in_turn)
    appender.flush()
    appender.close()
    assert names(folder) == []


def test_two_appenders_at_once_never_write_into_one_segment(folder: Folder) -> None:
    first, second = folder.appender("a.log"), folder.appender("a.log")
    for appender, entry in ((first, b"first"), (second, b"second")):
        appender.append(entry)
    first.close()
    second.close()
    assert sorted(appended(folder, "a.log")) == [b"first", b"second"]


def test_behind_who_appends_in_turn_nobody_appends_who_has_begun_before(folder: Folder) -> None:
    paused = folder.appender("a.log", in_turn=True)
    paused.append(b"1")
    paused.flush()
    successor = folder.appender("a.log", in_turn=True)
    paused.append(b"late")
    with suppress(OSError):  # object storage refuses; on a local path it stands in its own place
        paused.close()
    successor.append(b"2")
    successor.close()
    assert b"".join(appended(folder, "a.log")) in (b"12", b"1late2")


def test_a_flush_returns_when_everything_is_stored(folder: Folder) -> None:
    appender = folder.appender("a.log")
    appender.append(b"one")
    appender.flush()
    assert b"".join(appended(folder, "a.log")) == b"one"
    appender.close()


def test_an_entry_is_stored_within_about_a_second_though_nobody_flushes(folder: Folder) -> None:
    appender = folder.appender("a.log")
    appender.append(b"one")
    deadline = time.monotonic() + 5
    while not b"".join(appended(folder, "a.log")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    appender.close()


def test_the_store_stamps_files_by_its_own_clock(folder: Folder) -> None:
    before = folder.now_ms()
    folder.write("a", b"x")
    after = folder.now_ms()
    # S3 stamps whole seconds.
    assert before - 1_000 <= folder.info("a").modified_ms <= after + 1_000
