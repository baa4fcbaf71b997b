from __future__ import annotations

from hashlib import md5
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from airflow_netmera_kinesis.testing import ConnectionDropped, FakeKinesisCore, Faults, Refused, ShardQuota
from airflow_netmera_kinesis.testing.rules import HASH_KEYS

chance = st.sampled_from([0.0, 0.0, 0.05, 0.3])
weather = st.builds(
    Faults,
    rejected=chance,
    internal_failure=chance,
    internal_failure_stored=chance,
    unheard_of=chance,
    shuffled=st.booleans(),
    dropped_before=chance,
    dropped_after=chance,
    error_500_after=chance,
    zombie=chance,
    resharded=chance,
)
requests = st.lists(
    st.lists(st.sampled_from(["ayse", "fatma", "mehmet", "şule", "中村"]), min_size=1, max_size=8), max_size=30
)


class Run:
    """Requests sent to a core, with what was acknowledged."""

    def __init__(self, faults: Faults, quota: ShardQuota | None, seed: int) -> None:
        self.now = 1000.0
        self.core = FakeKinesisCore({"s": 3}, faults=faults, quota=quota, seed=seed, clock=lambda: self.now)
        self.acknowledged: dict[int, tuple[str, str]] = {}

    def send(self, keys: list[str]) -> None:
        self.now += 0.3
        records = [{"PartitionKey": key, "Data": key.encode()} for key in keys]
        try:
            answers = self.core.handle("PutRecords", {"StreamName": "s", "Records": records})["Records"]
        except (Refused, ConnectionDropped):
            return
        for key, answer in zip(keys, answers, strict=True):
            if "SequenceNumber" in answer:
                self.acknowledged[int(answer["SequenceNumber"])] = (key, answer["ShardId"])


@given(weather, requests, st.sampled_from([None, ShardQuota(records_per_second=5)]), st.integers(0, 9))
def test_whatever_goes_wrong_the_books_add_up(
    faults: Faults, sent: list[list[str]], quota: ShardQuota | None, seed: int
) -> None:
    run = Run(faults, quota, seed)
    for keys in sent:
        run.send(keys)
    run.core.store_zombies()
    counts, stored = run.core.books.counts("s"), run.core.books.in_order("s")
    assert counts.offered == counts.stored + sum(counts.rejected.values()) + sum(counts.failed.values())
    assert counts.requests == len(sent)
    assert counts.stored == len(stored)
    assert counts.stored == len(run.acknowledged) + counts.unanswered
    assert [record.data for record in stored] == [record.partition_key.encode() for record in stored]


@given(weather, requests, st.integers(0, 9))
def test_every_acknowledged_record_is_where_it_was_said_to_be(faults: Faults, sent: list[list[str]], seed: int) -> None:
    run = Run(faults, None, seed)
    for keys in sent:
        run.send(keys)
    by_number = {
        record.sequence_number: (record.partition_key, shard)
        for shard, records in run.core.books.by_shard("s").items()
        for record in records
    }
    assert run.acknowledged.items() <= by_number.items()


@given(weather, requests, st.integers(0, 9))
def test_shards_keep_their_ranges_and_their_numbers_rise(faults: Faults, sent: list[list[str]], seed: int) -> None:
    run = Run(faults, None, seed)
    for keys in sent:
        run.send(keys)
    shards: list[dict[str, Any]] = run.core.handle("ListShards", {"StreamName": "s"})["Shards"]
    by_shard = run.core.books.by_shard("s")
    for shard in shards:
        start, end = (int(shard["HashKeyRange"][edge]) for edge in ("StartingHashKey", "EndingHashKey"))
        numbers = [record.sequence_number for record in by_shard[shard["ShardId"]]]
        assert numbers == sorted(set(numbers))
        assert all(start <= int(md5(record.data).hexdigest(), 16) <= end for record in by_shard[shard["ShardId"]])
    is_open = [shard for shard in shards if "EndingSequenceNumber" not in shard["SequenceNumberRange"]]
    sizes = (int(s["HashKeyRange"]["EndingHashKey"]) - int(s["HashKeyRange"]["StartingHashKey"]) + 1 for s in is_open)
    assert sum(sizes) == HASH_KEYS


@given(weather, requests, st.integers(0, 9))
def test_the_numbers_of_a_key_rise_across_reshards(faults: Faults, sent: list[list[str]], seed: int) -> None:
    run = Run(faults, None, seed)
    for keys in sent:
        run.send(keys)
    for history in run.core.books.by_key("s").values():
        numbers = [record.sequence_number for record in history]
        assert numbers == sorted(set(numbers))
