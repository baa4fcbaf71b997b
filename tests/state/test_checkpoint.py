from __future__ import annotations

import threading

import pytest

from airflow_netmera_kinesis.errors import SliceRefused, StateError
from airflow_netmera_kinesis.state import checkpoint as checkpoints
from airflow_netmera_kinesis.state import pointer
from airflow_netmera_kinesis.state.checkpoint import (
    MERGED_SEGMENTS,
    REMEMBERED_COMMITS,
    Checkpoint,
    Committed,
    Consumed,
    advance,
    load_checkpoint,
    load_manifest,
)
from airflow_netmera_kinesis.storage import Folder, LocalFolder


def file(name: str, size: int = 1) -> Consumed:
    return Consumed(name, size, 1_788_000_000_000, "", "d" * 64, 1, open_end=False)


def commit(slice_id: str) -> Committed:
    return Committed(slice_id, 1_788_000_000_000, {"delivered": 1})


def advanced(folder: Folder, slice_id: str, files: list[Consumed], forgotten: list[str] | None = None) -> Checkpoint:
    return advance(folder, load_checkpoint(folder), commit(slice_id), files, forgotten or [], "")


def test_before_the_first_commit_it_is_empty(folder: Folder) -> None:
    assert load_checkpoint(folder) == Checkpoint()
    assert load_manifest(folder, Checkpoint()) == {}


def test_it_remembers_what_was_consumed_and_forgets_what_vanished(folder: Folder) -> None:
    advanced(folder, "s1", [file("a"), file("b")])
    advanced(folder, "s2", [file("c"), file("a", size=2)], ["b"])
    now = load_checkpoint(folder)
    assert (now.generation, now.slice) == (2, "s2")
    assert load_manifest(folder, now) == {"a": file("a", size=2), "c": file("c")}


def test_it_knows_the_slices_that_were_committed_last(folder: Folder) -> None:
    advanced(folder, "s1", [file("a")])
    now = advanced(folder, "s2", [])
    first = now.commit_of("s1")
    assert first is not None
    assert first.counts == {"delivered": 1}
    assert now.commit_of("s0") is None


def test_of_two_that_commit_on_top_of_the_same_one_is_refused_and_changes_nothing(folder: Folder) -> None:
    before = load_checkpoint(folder)
    advance(folder, before, commit("s1"), [file("a")], [], "")
    with pytest.raises(SliceRefused, match=r"slice s2 cannot be committed: .* moved on from generation 0 to 1"):
        advance(folder, before, commit("s2"), [file("b")], [], "")
    assert load_checkpoint(folder).slice == "s1"
    assert set(load_manifest(folder, load_checkpoint(folder))) == {"a"}


def test_it_never_goes_back_even_after_its_old_pointers_are_gone(folder: Folder) -> None:
    old = advanced(folder, "s1", [file("a")])
    for number in range(2, 9):
        advanced(folder, f"s{number}", [file(f"f{number}")])
    with pytest.raises(SliceRefused):
        advance(folder, old, commit("late"), [], ["a"], "")
    assert load_checkpoint(folder).slice == "s8"
    assert "a" in load_manifest(folder, load_checkpoint(folder))


def test_of_many_at_once_exactly_one_commits(folder: Folder) -> None:
    committed: list[str] = []
    gate = threading.Barrier(6)

    def try_to(slice_id: str) -> None:
        gate.wait()
        try:
            advance(folder, Checkpoint(), commit(slice_id), [file(slice_id)], [], "")
        except SliceRefused:
            return
        committed.append(slice_id)

    threads = [threading.Thread(target=try_to, args=(f"s{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert committed == [load_checkpoint(folder).slice]
    assert set(load_manifest(folder, load_checkpoint(folder))) == set(committed)


def test_a_commit_killed_before_its_pointer_leaves_the_checkpoint_as_it_was(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    advanced(folder, "s1", [file("a")])

    def killed(*_: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(folder, "create", killed)
        with pytest.raises(KeyboardInterrupt):
            advanced(folder, "s2", [file("b")])
    assert set(load_manifest(folder, load_checkpoint(folder))) == {"a"}
    advanced(folder, "s2", [file("b")])
    assert set(load_manifest(folder, load_checkpoint(folder))) == {"a", "b"}


def test_what_a_commit_writes_does_not_grow_with_all_that_was_ever_sent(folder: Folder) -> None:
    advanced(folder, "s0", [file(f"{number}") for number in range(5_000)])
    base = sum(info.size for info in folder.list("manifests/"))
    for number in range(1, 4):
        advanced(folder, f"s{number}", [file(f"new-{number}")])
    segments = sorted(info.size for info in folder.list("manifests/"))
    assert segments[-1] == base
    assert sum(segments[:-1]) < 1_000


def test_a_commit_that_was_paused_removes_nothing_of_a_later_one(folder: Folder) -> None:
    paused = advanced(folder, "s1", [file("a")])
    advanced(folder, "s2", [file("b")])
    checkpoints._tidy(folder, paused)
    assert set(load_manifest(folder, load_checkpoint(folder))) == {"a", "b"}


def test_changes_are_merged_now_and_then_and_what_was_merged_is_removed(tmp_path: object) -> None:
    folder = LocalFolder(str(tmp_path))
    for number in range(3 * MERGED_SEGMENTS):
        advanced(folder, f"s{number}", [file(f"{number}")], [f"{number - 5}"])
    now = load_checkpoint(folder)
    assert len(now.segments) <= MERGED_SEGMENTS
    assert {info.name for info in folder.list("manifests/")} == set(now.segments)
    assert set(load_manifest(folder, now)) == {
        f"{number}" for number in range(3 * MERGED_SEGMENTS - 5, 3 * MERGED_SEGMENTS)
    }
    assert len(list(folder.list("checkpoint/"))) == pointer.KEPT


def test_it_remembers_a_bounded_number_of_commits(tmp_path: object) -> None:
    folder = LocalFolder(str(tmp_path))
    many = tuple(commit(f"s{number}") for number in range(REMEMBERED_COMMITS))
    after = advance(folder, Checkpoint(generation=7, committed=many), commit("next"), [], [], "")
    assert len(after.committed) == REMEMBERED_COMMITS
    assert after.commit_of("s0") is None
    assert after.commit_of("next") is not None


def test_a_pointer_that_cannot_be_read_stops_everything_rather_than_sending_all_again(folder: Folder) -> None:
    advanced(folder, "s1", [file("a")])
    folder.write("checkpoint/00000001.json", b"{")
    with pytest.raises(StateError, match=r"00000001\.json cannot be read .*: restore the file"):
        load_checkpoint(folder)


def test_a_missing_part_of_the_manifest_stops_everything_rather_than_sending_all_again(folder: Folder) -> None:
    now = advanced(folder, "s1", [file("a")])
    folder.delete(now.segments[0])
    with pytest.raises(StateError, match="a part of the manifest is missing"):
        load_manifest(folder, now)
