"""One record of a key at a time; the others of that key wait in order, in memory or on disk, and nobody else does."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulation import MemorySpill, make_entry, make_record

from airflow_netmera_kinesis.delivery import ordering
from airflow_netmera_kinesis.delivery.ordering import Entry, Lanes, size_of
from airflow_netmera_kinesis.delivery.shard_map import digest_of
from airflow_netmera_kinesis.record import StagedRecord

MANY = 10**9
# Users whose names begin alike share a shard.
SHARDS: dict[bytes, str] = {}


def lanes(spill: MemorySpill | None = None, **options: Any) -> Lanes:
    return Lanes(SHARDS.__getitem__, spill or MemorySpill(), **options)


def offer(to: Lanes, *lines: tuple[int, str]) -> None:
    for line, user in lines:
        SHARDS[digest_of(user.encode())] = f"shard-{user[0]}"
        to.offer(make_record(line, user))


def take(
    from_: Lanes,
    shard: str,
    records: float = MANY,
    size: float = MANY,
    room: int = 500,
    room_bytes: int = MANY,
    request: list[Entry] | None = None,
) -> list[Entry]:
    """What goes into the request beside what is in it already."""
    whole = [] if request is None else list(request)
    before = len(whole)
    count, taken_bytes = from_.take(from_.queues[shard], records, size, room, room_bytes, whole)
    taken = whole[before:]
    assert (count, taken_bytes) == (len(taken), sum(entry.size for entry in taken))
    return taken


def lines(entries: list[Entry]) -> list[int]:
    return [record.line for entry in entries for record in entry.records]


@pytest.mark.parametrize(("key", "size"), [("u1", 42), ("ayşe", 45), ("🦊", 44), ("\ud800", 43)])
def test_size_is_what_kinesis_counts_data_and_key_in_bytes(key: str, size: int) -> None:
    assert size_of(StagedRecord(0, 1, 0, key, b"x" * 40, "e1", None)) == size


def test_nothing_is_busy_at_first() -> None:
    empty = lanes()
    assert not empty
    assert not empty.idles()
    assert (empty.ready, empty.ready_bytes, empty.waiting, empty.spilled) == (0, 0, 0, 0)


def test_one_record_of_a_key_is_ready_and_the_next_when_it_is_settled() -> None:
    busy = lanes()
    offer(busy, (1, "ayşe"), (2, "ayşe"), (3, "ali"))
    assert (busy.ready, busy.waiting) == (2, 1)
    assert lines(take(busy, "shard-a")) == [1, 3]
    assert take(busy, "shard-a") == []
    busy.release("ayşe")
    assert lines(take(busy, "shard-a")) == [2]
    busy.release("ayşe")
    busy.release("ali")
    assert not busy


def test_a_hot_keys_next_record_goes_before_keys_that_were_read_later() -> None:
    busy = lanes()
    offer(busy, (1, "a-hot"), (2, "a-hot"), (3, "a-new"), (4, "a-newer"))
    assert lines(take(busy, "shard-a", room=1)) == [1]
    busy.release("a-hot")
    assert lines(take(busy, "shard-a")) == [2, 3, 4]


def test_a_rejected_entry_goes_before_everything_else_of_its_shard() -> None:
    busy = lanes()
    offer(busy, (1, "a1"), (2, "a1"), (3, "a2"), (4, "a3"))
    first, second = take(busy, "shard-a", room=2)
    busy.release("a2")
    busy.put_back(first)
    assert second.key == "a2"
    assert lines(take(busy, "shard-a")) == [1, 4]


def test_what_was_lost_waits_apart() -> None:
    busy = lanes()
    offer(busy, (1, "ayşe"))
    [entry] = take(busy, "shard-a")
    busy.put_first(entry)
    assert list(busy.unknown) == [entry]
    assert busy.ready == 0
    assert busy


@pytest.mark.parametrize(
    ("records", "size", "room", "taken"),
    [(3.0, MANY, 500, 3), (2.99, MANY, 500, 2), (0.99, MANY, 500, 0), (MANY, 84, 500, 2), (MANY, 84.1, 500, 3),
     (MANY, 0, 500, 0), (MANY, MANY, 4, 4), (MANY, MANY, 0, 0), (MANY, MANY, 500, 5)],
)  # fmt: skip
def test_a_shard_gives_what_its_allowance_and_the_request_have_room_for(
    records: float, size: float, room: int, taken: int
) -> None:
    busy = lanes()
    offer(busy, *((line, f"a{line}") for line in range(1, 6)))
    assert len(take(busy, "shard-a", records, size, room)) == taken
    assert (busy.ready, busy.ready_bytes) == (5 - taken, 42 * (5 - taken))
    assert (busy.queues["shard-a"].count, busy.queues["shard-a"].size) == (5 - taken, 42 * (5 - taken))


def test_an_entry_that_no_longer_fits_waits_for_the_next_request() -> None:
    busy = lanes()
    offer(busy, (1, "a1"), (2, "a2"), (3, "a3"))
    first = take(busy, "shard-a", room_bytes=83)
    assert lines(first) == [1]
    assert take(busy, "shard-a", room_bytes=41, request=first) == []
    assert lines(take(busy, "shard-a", room_bytes=84, request=first)) == [2, 3]


def test_an_entry_larger_than_a_whole_request_goes_alone() -> None:
    busy = lanes()
    offer(busy, (1, "a1"), (2, "a2"))
    assert lines(take(busy, "shard-a", room_bytes=10)) == [1]


def test_a_shard_that_ran_dry_while_others_have_work_asks_for_more_to_be_read() -> None:
    busy = lanes()
    offer(busy, (1, "a1"), (2, "b1"))
    assert not busy.idles()
    take(busy, "shard-b")
    assert busy.idles()


def test_after_a_reshard_everything_that_is_ready_is_sorted_anew() -> None:
    busy = lanes()
    offer(busy, (1, "a1"), (2, "a1"), (3, "a2"), (4, "a3"), (5, "b1"))
    first, *_ = take(busy, "shard-a", room=2)
    busy.put_back(first)
    busy.release("a2")
    busy.resort(lambda key: "shard-of-all")
    assert set(busy.queues) == {"shard-of-all"}
    assert (busy.ready, busy.ready_bytes, busy.waiting) == (3, 3 * 42, 1)
    assert lines(take(busy, "shard-of-all")) == [1, 4, 5]
    busy.release("a1")
    assert lines(take(busy, "shard-of-all")) == [2]


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordering, "WAITING_RECORDS", 3)
    monkeypatch.setattr(ordering, "SPILL_CHUNK_RECORDS", 2)


def all_of(busy: Lanes, key: str, shard: str) -> list[int]:
    """Settle one record of a key after the other."""
    sent: list[int] = []
    while taken := take(busy, shard):
        sent += lines(taken)
        busy.release(key)
    return sent


@pytest.mark.usefixtures("little_memory")
def test_beyond_the_bound_a_hot_keys_records_wait_on_disk_in_order() -> None:
    spill = MemorySpill()
    busy = lanes(spill)
    offer(busy, *((line, "hot") for line in range(1, 11)))
    assert (busy.ready, busy.waiting, busy.spilled, spill.pushed) == (1, 3, 6, 6)
    assert all_of(busy, "hot", "shard-h") == list(range(1, 11))
    assert (busy.ready, busy.waiting, busy.spilled) == (0, 0, 0)
    assert not busy


@pytest.mark.usefixtures("little_memory")
def test_what_is_read_while_some_of_its_key_are_on_disk_waits_behind_them() -> None:
    busy = lanes()
    offer(busy, *((line, "hot") for line in range(1, 6)))
    sent = lines(take(busy, "shard-h"))
    for later in range(6, 12):
        busy.release("hot")
        offer(busy, (later, "hot"))
        sent += lines(take(busy, "shard-h"))
    busy.release("hot")
    assert sent + all_of(busy, "hot", "shard-h") == list(range(1, 12))


@pytest.mark.usefixtures("little_memory")
def test_a_full_memory_holds_up_nobody_else() -> None:
    busy = lanes()
    offer(busy, *((line, "hot") for line in range(1, 8)), (8, "ayşe"), (9, "ayşe"), (10, "can"))
    assert lines(take(busy, "shard-a")) == [8]
    assert lines(take(busy, "shard-c")) == [10]
    busy.release("ayşe")
    assert lines(take(busy, "shard-a")) == [9]


def test_bytes_are_a_bound_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordering, "WAITING_BYTES", 100)
    busy = lanes()
    offer(busy, *((line, "hot") for line in range(1, 8)))
    assert (busy.waiting, busy.spilled) == (3, 3)


def test_a_packer_takes_along_what_waits_and_the_counts_follow() -> None:
    def pack_pairs(head: StagedRecord, waiting: deque[StagedRecord] | None) -> Entry:
        records = (head, waiting.popleft()) if waiting else (head,)
        return make_entry(*records)

    busy = lanes(packer=pack_pairs)
    offer(busy, *((line, "a1") for line in range(1, 6)))
    assert (busy.ready, busy.ready_bytes, busy.waiting) == (1, 42, 4)
    assert lines(take(busy, "shard-a")) == [1, 2]
    assert (busy.ready, busy.ready_bytes, busy.waiting) == (0, 0, 3)
    busy.release("a1")
    assert lines(take(busy, "shard-a")) == [3, 4]
    assert (busy.ready, busy.ready_bytes, busy.waiting) == (0, 0, 1)
    busy.release("a1")
    assert lines(take(busy, "shard-a")) == [5]
    assert (busy.ready, busy.ready_bytes, busy.waiting) == (0, 0, 0)


@given(
    users=st.lists(st.sampled_from(["a1", "a2", "b1", "hot"]), max_size=60),
    fortunes=st.lists(st.sampled_from(["settle", "reject", "lose", "resort", "read"]), max_size=200),
)
def test_whatever_happens_each_keys_records_are_taken_in_order_one_at_a_time(
    users: list[str], fortunes: list[str]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ordering, "WAITING_RECORDS", 3)
        patch.setattr(ordering, "SPILL_CHUNK_RECORDS", 2)
        _play(users, fortunes)


def _play(users: list[str], fortunes: list[str]) -> None:
    busy = lanes()
    unread = deque((line, user) for line, user in enumerate(users, start=1))
    under_way: dict[str, Entry] = {}
    settled: dict[str, list[int]] = {user: [] for user in users}
    for fortune in [*fortunes, *["read", "settle"] * (2 * len(users) + len(fortunes))]:
        if fortune == "read" and unread:
            offer(busy, unread.popleft())
        elif fortune == "resort":
            busy.resort(lambda key: f"shard-{hash(key) % 3}")
        entries = [entry for shard in list(busy.queues) for entry in take(busy, shard, room=1)]
        if busy.unknown:
            entries.append(busy.unknown.popleft())
        for entry in entries:
            assert entry.key not in under_way
            under_way[entry.key] = entry
        if under_way and fortune in ("settle", "reject", "lose"):
            entry = under_way.pop(min(under_way))
            if fortune == "settle":
                settled[entry.key] += lines([entry])
                busy.release(entry.key)
            elif fortune == "reject":
                busy.put_back(entry)
            else:
                busy.put_first(entry)
    assert settled == {user: [line for line, other in enumerate(users, start=1) if other == user] for user in users}
    assert not busy
    assert (busy.ready, busy.ready_bytes, busy.waiting, busy._waiting_bytes, busy.spilled) == (0, 0, 0, 0, 0)
