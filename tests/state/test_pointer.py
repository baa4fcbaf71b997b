from __future__ import annotations

import threading

import pytest

from airflow_netmera_kinesis.state.pointer import KEPT, Overtaken, move_pointer, read_pointer
from airflow_netmera_kinesis.storage import Folder


def names(folder: Folder) -> list[str]:
    return sorted(info.name for info in folder.list())


def test_before_the_first_generation_there_is_nothing(folder: Folder) -> None:
    assert read_pointer(folder, "open") == (0, b"")


def test_the_highest_generation_counts_and_old_ones_are_deleted(folder: Folder) -> None:
    for generation in range(1, 6):
        move_pointer(folder, "open", generation, b"%d" % generation)
    assert read_pointer(folder, "open") == (5, b"5")
    assert names(folder) == [f"open/{generation:08d}.json" for generation in range(6 - KEPT, 6)]


def test_who_comes_too_late_changes_nothing_and_is_told_so(folder: Folder) -> None:
    move_pointer(folder, "open", 1, b"first")
    with pytest.raises(Overtaken) as caught:
        move_pointer(folder, "open", 1, b"second")
    assert caught.value.generation == 1
    assert read_pointer(folder, "open") == (1, b"first")


def test_who_was_paused_until_his_generation_was_deleted_brings_nothing_back(folder: Folder) -> None:
    for generation in range(1, 6):
        move_pointer(folder, "open", generation, b"%d" % generation)
    before = names(folder)
    with pytest.raises(Overtaken):
        move_pointer(folder, "open", 2, b"late")
    assert names(folder) == before


def test_an_answer_that_was_lost_on_the_way_is_no_defeat(folder: Folder) -> None:
    folder.create("open/00000001.json", b"mine")
    move_pointer(folder, "open", 1, b"mine")
    assert read_pointer(folder, "open") == (1, b"mine")


def test_of_many_at_once_exactly_one_moves_it(folder: Folder) -> None:
    moved: list[bytes] = []
    gate = threading.Barrier(6)

    def move(content: bytes) -> None:
        gate.wait()
        try:
            move_pointer(folder, "open", 1, content)
        except Overtaken:
            return
        moved.append(content)

    threads = [threading.Thread(target=move, args=(b"%d" % number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert moved == [read_pointer(folder, "open")[1]]


def test_other_names_are_other_pointers(folder: Folder) -> None:
    move_pointer(folder, "open", 1, b"a")
    move_pointer(folder, "opened", 7, b"b")
    assert read_pointer(folder, "open") == (1, b"a")
