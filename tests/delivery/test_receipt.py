"""Every delivered record leaves a receipt, and the receipts of all users prove the order."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from simulation import make_entry, make_record

from airflow_netmera_kinesis.delivery import receipt as receipts_module
from airflow_netmera_kinesis.delivery.order_proof import Lineage
from airflow_netmera_kinesis.delivery.ordering import Entry
from airflow_netmera_kinesis.delivery.outcome import EntryAnswer
from airflow_netmera_kinesis.delivery.receipt import ReceiptLog, check_no_break, prove_order, read_receipts, save_break
from airflow_netmera_kinesis.delivery.shard_map import hash_of
from airflow_netmera_kinesis.errors import OrderBroken
from airflow_netmera_kinesis.storage import Folder, LocalFolder

SLICE, STREAM = "20260907-abc", "netmera-purchases"
SHARD = "shardId-000000000000"


def answered(line: int, user: str, sequence: int, shard: str = SHARD) -> tuple[Entry, EntryAnswer]:
    record = make_record(line, user)
    return make_entry(record), EntryAnswer(str(sequence), shard)


def keep(state: Folder, *answers: Iterable[tuple[Entry, EntryAnswer]], partition: int = 0) -> None:
    log = ReceiptLog(state, SLICE, STREAM, partition)
    for answer in answers:
        log.append(list(answer))
    log.flush()
    log.close()


def prove(state: Folder, lineage: Lineage | None = None) -> int:
    return prove_order(state, SLICE, STREAM, 0, lineage or Lineage())


def test_a_receipt_names_firing_event_shard_and_sequence_and_the_user_only_by_a_hash(folder: Folder) -> None:
    keep(folder, [answered(7, "ayşe", 4951)])
    [receipt] = read_receipts(folder, SLICE, STREAM, 0)
    assert (receipt.shard, receipt.sequence, receipt.firings) == (SHARD, "4951", [(0, 7, 0, "e7")])
    assert int.from_bytes(receipt.key, "big") == hash_of("ayşe")
    stored = b"".join(folder.read(info.name) for info in folder.list("receipts/"))
    assert stored
    assert "ayşe".encode() not in stored


def test_a_packed_records_receipt_names_all_its_firings(folder: Folder) -> None:
    records = (make_record(1, "ayşe"), make_record(2, "ayşe"))
    keep(folder, [(make_entry(*records), EntryAnswer("1", SHARD))])
    [receipt] = read_receipts(folder, SLICE, STREAM, 0)
    assert [event_id for *_, event_id in receipt.firings] == ["e1", "e2"]


def test_receipts_of_several_tries_follow_one_another(folder: Folder) -> None:
    keep(folder, [answered(1, "ayşe", 1), answered(2, "mehmet", 2)], [answered(3, "ayşe", 3)])
    keep(folder, [answered(4, "ayşe", 4)])
    assert [receipt.sequence for receipt in read_receipts(folder, SLICE, STREAM, 0)] == ["1", "2", "3", "4"]
    assert prove(folder) == 4


def test_partitions_keep_their_receipts_apart(folder: Folder) -> None:
    keep(folder, [answered(1, "ayşe", 1)])
    keep(folder, [answered(2, "mehmet", 2)], partition=1)
    assert len(list(read_receipts(folder, SLICE, STREAM, 0))) == 1
    assert list(read_receipts(folder, SLICE, STREAM, 2)) == []
    assert prove_order(folder, SLICE, STREAM, 2, Lineage()) == 0


def test_a_try_killed_at_any_byte_leaves_every_earlier_receipt_readable(tmp_path: object) -> None:
    state = LocalFolder(str(tmp_path))
    keep(state, *([answered(line, "ayşe", line)] for line in range(1, 6)))
    [name] = [info.name for info in state.list("receipts/")]
    whole = state.read(name)
    for length in range(len(whole)):
        state.write(name, whole[:length])
        count = prove(state)
        assert [receipt.sequence for receipt in read_receipts(state, SLICE, STREAM, 0)] == list("12345")[:count]
        assert count == length * 5 // len(whole)
    keep(state, [answered(6, "ayşe", 6)])
    assert prove(state) == 5


@pytest.mark.parametrize("keys_a_pass", [1, 2, 7, 200_000])
def test_all_users_are_proved_in_as_many_passes_as_memory_asks_for(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, keys_a_pass: int
) -> None:
    monkeypatch.setattr(receipts_module, "KEYS_A_PASS", keys_a_pass)
    keep(folder, [answered(line, f"user-{line % 9}", line) for line in range(1, 31)])
    assert prove(folder) == 30


@pytest.mark.parametrize("keys_a_pass", [1, 2, 7, 200_000])
def test_one_users_broken_order_is_found_in_whichever_pass_and_told_with_both_receipts(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, keys_a_pass: int
) -> None:
    monkeypatch.setattr(receipts_module, "KEYS_A_PASS", keys_a_pass)
    good = [answered(line, f"user-{line % 9}", line) for line in range(100, 130)]
    keep(folder, [answered(1, "zeynep", 90), *good], [answered(2, "zeynep", 80)])
    with pytest.raises(OrderBroken, match=rf"did not rise.*shard {SHARD} at 90, then shard {SHARD} at 80") as broken:
        prove(folder)
    assert "zeynep" not in str(broken.value)
    with pytest.raises(OrderBroken, match=r"an earlier try found a user's order broken: the sequence number did not"):
        check_no_break(folder, SLICE, STREAM, 0)


def test_a_change_of_shard_is_judged_by_the_lineage(folder: Folder) -> None:
    keep(folder, [answered(1, "ayşe", 9, "parent"), answered(2, "ayşe", 5, "child")])
    assert prove(folder, Lineage({"parent": (), "child": ("parent",)})) == 2
    with pytest.raises(OrderBroken, match="no reshard explains it"):
        prove(folder, Lineage({"parent": (), "child": ()}))


def test_a_break_that_is_written_down_stops_every_later_try_with_what_to_do(folder: Folder) -> None:
    check_no_break(folder, SLICE, STREAM, 0)
    save_break(folder, SLICE, STREAM, 0, {"reason": "the sequence number did not rise within the shard"})
    with pytest.raises(OrderBroken, match=f"did not rise.*order_breaks/{SLICE}/.*abandon_slice={SLICE}"):
        check_no_break(folder, SLICE, STREAM, 0)
    check_no_break(folder, SLICE, STREAM, 1)
    check_no_break(folder, "another slice", STREAM, 0)
