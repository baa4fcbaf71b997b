from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from airflow_netmera_kinesis.state.firing_set import FiringSet
from airflow_netmera_kinesis.state.ledger import (
    anything_sent,
    delete_ledgers,
    done_counts,
    open_ledger,
    save_carried,
    sent_firings,
)
from airflow_netmera_kinesis.storage import Folder, LocalFolder
from airflow_netmera_kinesis.storage.folder import segments


def test_a_new_ledger_is_empty_and_writes_nothing(folder: Folder) -> None:
    with open_ledger(folder, "slice", "carts", 0) as ledger:
        assert ledger.is_empty
        assert not ledger.settled(0, 1, 0)
        assert not ledger.is_done
    assert list(folder.list()) == []


def test_what_was_delivered_or_set_aside_is_settled_for_whoever_opens_it_next(folder: Folder) -> None:
    with open_ledger(folder, "slice", "carts", 0) as ledger:
        ledger.delivered([(0, 1, 0), (0, 2, 0), (1, 2, 1)])
        ledger.dead([(0, 3, 0)])
        ledger.unknown([(0, 4, 0)])
    with open_ledger(folder, "slice", "carts", 0) as again:
        settled = [
            firing for firing in [(0, 1, 0), (0, 2, 0), (1, 2, 1), (0, 3, 0), (0, 4, 0)] if again.settled(*firing)
        ]
        assert settled == [(0, 1, 0), (0, 2, 0), (1, 2, 1), (0, 3, 0)]
        assert (again.delivered_count, again.dead_count, again.unknown_count) == (3, 1, 1)
        assert not again.is_empty
        assert not again.settled(0, 1, 1)
        assert not again.settled(0, 5, 0)


def test_a_firing_delivered_twice_is_counted_once(folder: Folder) -> None:
    for _ in range(2):
        with open_ledger(folder, "slice", "carts", 0) as ledger:
            ledger.delivered([(0, 1, 0)])
    assert open_ledger(folder, "slice", "carts", 0).delivered_count == 1


def test_ledgers_of_other_streams_partitions_and_slices_are_apart(folder: Folder) -> None:
    with open_ledger(folder, "slice", "carts", 0) as ledger:
        ledger.delivered([(0, 1, 0)])
    for slice_id, stream, partition in [("slice", "carts", 1), ("slice", "cart", 0), ("slice2", "carts", 0)]:
        assert not open_ledger(folder, slice_id, stream, partition).settled(0, 1, 0)


def test_a_finished_partition_says_so_with_its_counts_by_hook(folder: Folder) -> None:
    assert done_counts(folder, "slice", "carts", 0) is None
    with open_ledger(folder, "slice", "carts", 0) as ledger:
        ledger.delivered([(0, 1, 0), (0, 1, 2)])
        ledger.dead([(0, 2, 2)])
        ledger.unknown([(0, 1, 0)])
        ledger.done()
    counts = done_counts(folder, "slice", "carts", 0)
    assert counts is not None
    assert (counts.delivered, counts.dead, counts.unknown, counts.settled) == ({0: 1, 2: 1}, {2: 1}, 1, 3)
    assert open_ledger(folder, "slice", "carts", 0).is_done


def test_cut_off_at_any_byte_it_is_readable_up_to_its_last_whole_entry(tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path)
    ends = [0]
    with open_ledger(folder, "slice", "carts", 0) as ledger:
        for line in range(1, 6):
            ledger.delivered([(0, 2 * line, 0), (0, 2 * line + 1, 0)])
            ends.append(next(iter(folder.list())).size)
    (name,) = segments(folder, "ledgers/slice/carts/0000.log")
    whole = (tmp_path / name).read_bytes()
    for size in range(len(whole) + 1):
        (tmp_path / name).write_bytes(whole[:size])
        entries = sum(end <= size for end in ends) - 1
        cut = open_ledger(folder, "slice", "carts", 0)
        assert cut.delivered_count == 2 * entries
        assert cut.settled(0, 2, 0) == (entries >= 1)


def test_cut_off_in_object_storage_it_is_readable_too(folder: Folder) -> None:
    with open_ledger(folder, "slice", "carts", 0) as ledger:
        for line in range(1, 4):
            ledger.delivered([(0, line, 0)])
    (name,) = segments(folder, "ledgers/slice/carts/0000.log")
    whole = folder.read(name)
    for size in (0, 1, len(whole) // 2, len(whole) - 1):
        folder.write(name, whole[:size])
        assert open_ledger(folder, "slice", "carts", 0).delivered_count == 3 * size // len(whole)


def test_cut_off_and_written_on_it_holds_the_entries_of_both_sides(tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path)
    with open_ledger(folder, "slice", "carts", 0) as ledger:
        ledger.delivered([(0, 1, 0)])
        ledger.delivered([(0, 2, 0)])
    (name,) = segments(folder, "ledgers/slice/carts/0000.log")
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-1])
    with open_ledger(folder, "slice", "carts", 0) as ledger:
        ledger.delivered([(0, 3, 0)])
    again = open_ledger(folder, "slice", "carts", 0)
    assert [again.settled(0, line, 0) for line in (1, 2, 3)] == [True, False, True]


@pytest.mark.parametrize("tail", [b"\0" * 64, b"\xff" * 64, b"\x05\0\0\0", b"\x01\0\0\0\0\0\0\0x"])
def test_a_tail_of_anything_else_is_ignored(tmp_path: Path, tail: bytes) -> None:
    folder = LocalFolder(tmp_path)
    with open_ledger(folder, "slice", "carts", 0) as ledger:
        ledger.delivered([(0, 1, 0)])
    (name,) = segments(folder, "ledgers/slice/carts/0000.log")
    with (tmp_path / name).open("ab") as file:
        file.write(tail)
    assert open_ledger(folder, "slice", "carts", 0).delivered_count == 1


WRITER = """
import sys
from airflow_netmera_kinesis.state.ledger import open_ledger
from airflow_netmera_kinesis.storage import LocalFolder
ledger = open_ledger(LocalFolder(sys.argv[1]), "slice", "carts", 0)
line = 0
while True:
    ledger.delivered([(0, line + n, 0) for n in range(500)])
    line += 500
    print(line, flush=True)
"""


def test_after_sigkill_everything_that_was_appended_is_there(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    told = [int(process.stdout.readline()) for _ in range(20)]
    os.kill(process.pid, signal.SIGKILL)
    told += [int(line) for line in process.stdout]
    process.stdout.close()
    process.wait()
    ledger = open_ledger(LocalFolder(tmp_path), "slice", "carts", 0)
    assert all(ledger.settled(0, line, 0) for line in range(told[-1]))


def test_a_slice_has_sent_something_once_a_record_is_or_may_be_in_kinesis(folder: Folder) -> None:
    assert not anything_sent(folder, "slice")
    with open_ledger(folder, "slice", "carts", 0) as ledger:
        ledger.dead([(0, 1, 0)])
    assert not anything_sent(folder, "slice")
    with open_ledger(folder, "slice", "carts", 1) as ledger:
        ledger.unknown([(0, 2, 0)])
    assert anything_sent(folder, "slice")
    assert not anything_sent(folder, "slice2")


def test_what_an_earlier_slice_delivered_is_settled_and_counted_as_carried_when_it_is_met(folder: Folder) -> None:
    carried = FiringSet()
    carried.add([(0, 1, 0), (0, 2, 0), (1, 7, 1)])
    save_carried(folder, "slice", carried)
    with open_ledger(folder, "slice", "carts", 0) as ledger:
        assert not ledger.is_empty
        assert [ledger.settled(0, line, 0) for line in (1, 1, 2, 3)] == [True, True, True, False]
        ledger.delivered([(0, 3, 0)])
        counts = ledger.done()
    assert (counts.carried, counts.delivered, counts.settled) == ({0: 2}, {0: 1}, 3)


def test_all_that_a_slice_has_sent_can_be_gathered(folder: Folder) -> None:
    carried = FiringSet()
    carried.add([(0, 9, 0)])
    save_carried(folder, "slice", carried)
    for partition, line in enumerate((1, 2)):
        with open_ledger(folder, "slice", "carts", partition) as ledger:
            ledger.unknown([(0, line, 0), (1, line, 0)])
            ledger.delivered([(0, line, 0)])
    delivered, perhaps = sent_firings(folder, "slice")
    assert (len(delivered), perhaps) == (3, 2)
    assert (0, 9, 0) in delivered


def test_deleted_ledgers_are_gone_with_all_their_segments_and_those_of_other_slices_stay(folder: Folder) -> None:
    for slice_id in ("slice", "a later one"):
        with open_ledger(folder, slice_id, "carts", 0) as ledger:
            ledger.delivered([(0, 1, 0)])
            ledger.done()
    delete_ledgers(folder, "slice")
    assert {info.name.split("/")[1] for info in folder.list()} == {"a later one"}


def test_appending_costs_less_than_a_microsecond_a_record(tmp_path: Path) -> None:
    batches = [[(0, start + line, line % 3) for line in range(500)] for start in range(0, 100_000, 500)]
    with open_ledger(LocalFolder(tmp_path), "slice", "carts", 0) as ledger:
        started = time.process_time()
        for batch in batches:
            ledger.delivered(batch)
        seconds = time.process_time() - started
    assert seconds / 100_000 < 1e-6
