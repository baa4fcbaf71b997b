"""What became of records is written down in an order that a kill cannot confuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager

import pytest
from simulation import make_entry, make_record

from airflow_netmera_kinesis.delivery.journal import StateJournal
from airflow_netmera_kinesis.delivery.order_proof import Break
from airflow_netmera_kinesis.delivery.ordering import Entry
from airflow_netmera_kinesis.delivery.outcome import EntryAnswer
from airflow_netmera_kinesis.delivery.receipt import check_no_break, read_receipts
from airflow_netmera_kinesis.errors import LeaseTaken, OrderBroken, QuotaExceeded
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition
from airflow_netmera_kinesis.state.dead_letter import DeadLetter, read_dead_letters
from airflow_netmera_kinesis.state.ledger import open_ledger
from airflow_netmera_kinesis.state.slice import ExportFile, Slice, Target
from airflow_netmera_kinesis.storage import Folder

STREAM = "netmera-purchases"
SLICE = Slice(
    "20260907-abc",
    "/exports",
    (ExportFile("day.ndjson", 1, 0),),
    ((0,),),
    (HookDefinition("purchases", event_code="n:ph", stream_name=STREAM),),
    ExportFormat(),
    1,
    "file",
    Target("eu-central-1"),
    "",
    0,
)
NO_RECEIPT = EntryAnswer("1", "shardId-000000000000")


def entry(*lines: int) -> Entry:
    return make_entry(*(make_record(line, "ayşe") for line in lines))


@contextmanager
def journal(folder: Folder, allow: Callable[[Mapping[int, int]], None] = lambda dead: None) -> Iterator[StateJournal]:
    ledger = open_ledger(folder, SLICE.id, STREAM, 0)
    with closing(StateJournal(folder, SLICE, STREAM, 0, ledger, allow)) as written:
        yield written


def letters(folder: Folder) -> list[DeadLetter]:
    return [letter for info in folder.list("dead_letters/") for letter in read_dead_letters(folder, info.name)]


def settled(folder: Folder, *lines: int) -> list[bool]:
    with open_ledger(folder, SLICE.id, STREAM, 0) as ledger:
        return [ledger.settled(0, line, 0) for line in lines]


def test_what_is_delivered_has_a_receipt_and_is_settled(folder: Folder) -> None:
    with journal(folder) as written:
        written.delivered([(entry(1, 2), NO_RECEIPT), (entry(3), NO_RECEIPT)])
    assert settled(folder, 1, 2, 3, 4) == [True, True, True, False]
    assert len(list(read_receipts(folder, SLICE.id, STREAM, 0))) == 2


def test_who_has_lost_the_lease_writes_no_receipt_behind_those_of_who_has_it_now(folder: Folder) -> None:
    def lost() -> None:
        raise LeaseTaken("somebody else sends this partition")

    with closing(open_ledger(folder, SLICE.id, STREAM, 0)) as ledger:
        late = StateJournal(folder, SLICE, STREAM, 0, ledger, check=lost)
        with closing(late), pytest.raises(LeaseTaken):
            late.delivered([(entry(1), NO_RECEIPT)])
    assert settled(folder, 1) == [False]
    assert not list(read_receipts(folder, SLICE.id, STREAM, 0))


def test_what_is_unknown_is_not_settled(folder: Folder) -> None:
    with journal(folder) as written:
        written.unknown([entry(1, 2), entry(3)])
    assert settled(folder, 1, 2, 3) == [False] * 3
    with open_ledger(folder, SLICE.id, STREAM, 0) as ledger:
        assert ledger.unknown_count == 3


def test_a_refused_record_is_a_dead_letter_with_kinesis_own_words(folder: Folder) -> None:
    with journal(folder) as written:
        written.refused(entry(7), "InvalidArgumentException", "no such thing")
    [letter] = letters(folder)
    assert (letter.message, letter.file, letter.line) == ("InvalidArgumentException: no such thing", "day.ndjson", 7)
    assert (letter.hook, letter.stream, letter.event_id) == ("purchases", STREAM, "e7")
    assert not letter.perhaps_stored
    assert settled(folder, 7) == [True]


def test_letter_and_ledger_are_stored_before_anything_later_of_that_user_may_go(folder: Folder) -> None:
    with journal(folder) as written:
        written.refused(entry(7), "InvalidArgumentException", "no such thing")
        # The sender might be killed here: nothing may wait to be flushed, in object storage neither.
        assert len(letters(folder)) == 1
        assert settled(folder, 7) == [True]


def test_a_record_whose_answer_was_lost_before_it_was_refused_is_perhaps_stored(folder: Folder) -> None:
    with journal(folder) as written:
        written.unknown([entry(1)])
        written.refused(entry(1), "InvalidArgumentException", "no such thing")
        written.refused(entry(2), "InvalidArgumentException", "no such thing")
    assert [letter.perhaps_stored for letter in letters(folder)] == [True, False]


def test_and_also_if_an_earlier_try_lost_the_answer(folder: Folder) -> None:
    with journal(folder) as written:
        written.unknown([entry(1)])
    with journal(folder) as written:
        written.refused(entry(1), "InvalidArgumentException", "no such thing")
    assert [letter.perhaps_stored for letter in letters(folder)] == [True]


def test_of_a_packed_record_every_firing_is_a_dead_letter(folder: Folder) -> None:
    with journal(folder) as written:
        written.refused(entry(1, 2, 3), "InvalidArgumentException", "no such thing")
    assert [letter.line for letter in letters(folder)] == [1, 2, 3]


def test_one_refusal_too_many_is_told_after_it_was_written_down(folder: Folder) -> None:
    def at_most_one(dead: Mapping[int, int]) -> None:
        if dead[0] > 1:
            raise QuotaExceeded("hook purchases: too many")

    with journal(folder, at_most_one) as written:
        written.refused(entry(1), "InvalidArgumentException", "no such thing")
        with pytest.raises(QuotaExceeded):
            written.refused(entry(2), "InvalidArgumentException", "no such thing")
    assert settled(folder, 1, 2) == [True, True]
    assert len(letters(folder)) == 2


def test_a_broken_order_is_written_down_with_both_receipts_and_without_the_user(folder: Folder) -> None:
    with journal(folder) as written:
        written.broken(entry(5), Break("the key returned to a shard that it had left", ("a", "7"), ("b", "8")))
    [stored] = [folder.read(info.name) for info in folder.list("order_breaks/")]
    assert all(part in stored for part in (b'["a","7"]', b'["b","8"]', b'"line":5', b'"e5"', b"day.ndjson"))
    assert "ayşe".encode() not in stored
    with pytest.raises(OrderBroken, match="returned to a shard"):
        check_no_break(folder, SLICE.id, STREAM, 0)


def test_a_try_that_writes_nothing_leaves_nothing(folder: Folder) -> None:
    with journal(folder):
        pass
    assert list(folder.list()) == []
