from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from airflow_netmera_kinesis.testing import FakeKinesisCore, Refused, StoredRecord

SHARD = "shardId-000000000000"
MIB = 1024 * 1024


@pytest.fixture
def core(clock: Any) -> FakeKinesisCore:
    return FakeKinesisCore({"purchases": 1}, clock=clock)


def put(core: Any, *data: bytes) -> list[str]:
    records = [{"PartitionKey": "ayse", "Data": part} for part in data]
    answer = core.handle("PutRecords", {"StreamName": "purchases", "Records": records})
    return [record["SequenceNumber"] for record in answer["Records"]]


def iterator(core: Any, kind: str = "TRIM_HORIZON", shard: str = SHARD, **more: Any) -> str:
    request = {"StreamName": "purchases", "ShardId": shard, "ShardIteratorType": kind, **more}
    token: str = core.handle("GetShardIterator", request)["ShardIterator"]
    return token


def read(core: Any, token: str, **more: Any) -> Any:
    return core.handle("GetRecords", {"ShardIterator": token, **more})


def data(answer: Any) -> list[bytes]:
    return [record["Data"] for record in answer["Records"]]


def split(core: Any) -> None:
    core.handle("SplitShard", {"StreamName": "purchases", "ShardToSplit": SHARD, "NewStartingHashKey": "5"})


def test_what_was_put_is_read_in_order(core: Any, clock: Any) -> None:
    numbers = put(core, b"one", b"two")
    answer = read(core, iterator(core))
    assert answer["Records"][0] == {
        "SequenceNumber": numbers[0],
        "ApproximateArrivalTimestamp": clock.now,
        "Data": b"one",
        "PartitionKey": "ayse",
        "EncryptionType": "NONE",
    }
    assert data(answer) == [b"one", b"two"]


def test_reading_goes_on_where_it_stopped(core: Any) -> None:
    put(core, b"one", b"two")
    answer = read(core, iterator(core), Limit=1)
    assert data(answer) == [b"one"]
    assert answer["MillisBehindLatest"] > 0
    put(core, b"three")
    answer = read(core, answer["NextShardIterator"])
    assert data(answer) == [b"two", b"three"]
    assert answer["MillisBehindLatest"] == 0


def test_the_end_of_an_open_shard_is_an_empty_answer_that_goes_on(core: Any) -> None:
    answer = read(core, iterator(core, "LATEST"))
    assert data(answer) == []
    put(core, b"one")
    assert data(read(core, answer["NextShardIterator"])) == [b"one"]


def test_the_end_of_a_closed_shard_names_its_children(core: Any) -> None:
    put(core, b"one", b"two")
    split(core)
    first = read(core, iterator(core), Limit=1)
    assert "ChildShards" not in first
    last = read(core, first["NextShardIterator"])
    assert data(last) == [b"two"]
    assert "NextShardIterator" not in last
    assert [child["ShardId"] for child in last["ChildShards"]] == ["shardId-000000000001", "shardId-000000000002"]
    assert last["ChildShards"][0]["ParentShards"] == [SHARD]
    assert last["ChildShards"][0]["HashKeyRange"] == {"StartingHashKey": "0", "EndingHashKey": "4"}


def test_reading_starts_at_or_after_a_sequence_number(core: Any) -> None:
    _, second, _ = put(core, b"one", b"two", b"three")
    assert data(read(core, iterator(core, "AT_SEQUENCE_NUMBER", StartingSequenceNumber=second))) == [b"two", b"three"]
    assert data(read(core, iterator(core, "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=second))) == [b"three"]


def test_reading_starts_at_a_time(core: Any, clock: Any) -> None:
    put(core, b"one")
    clock.now += 10
    put(core, b"two")
    between = dt.datetime.fromtimestamp(clock.now - 5, dt.timezone.utc)
    assert data(read(core, iterator(core, "AT_TIMESTAMP", Timestamp=between))) == [b"two"]
    assert data(read(core, iterator(core, "AT_TIMESTAMP", Timestamp=0))) == [b"one", b"two"]


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("AT_SEQUENCE_NUMBER", {}),
        ("TRIM_HORIZON", {"StartingSequenceNumber": "5"}),
        ("AT_TIMESTAMP", {}),
        ("AT_TIMESTAMP", {"Timestamp": 9_999_999_999.0}),
        ("AT_SEQUENCE_NUMBER", {"StartingSequenceNumber": "16"}),  # shard 1 gave it
        ("AT_SEQUENCE_NUMBER", {"StartingSequenceNumber": "five"}),
        ("SOMEWHERE", {}),
        ("LATEST", {"ShardId": "shardId-000000000009"}),
    ],
)
def test_an_iterator_that_cannot_be_is_refused(core: Any, kind: str, more: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        iterator(core, kind, **more)


def test_an_iterator_lives_for_five_minutes(core: Any, clock: Any) -> None:
    token = iterator(core)
    clock.now += 300
    read(core, token)
    clock.now += 1
    with pytest.raises(Refused, match="ExpiredIteratorException"):
        read(core, token)


def test_an_iterator_of_a_stream_that_was_deleted_finds_nothing(core: Any, clock: Any) -> None:
    token = iterator(core)
    core.handle("DeleteStream", {"StreamName": "purchases"})
    clock.now += 1
    core.create_stream("purchases")
    with pytest.raises(Refused, match="ResourceNotFoundException"):
        read(core, token)


@pytest.mark.parametrize("token", ["nonsense", "W10="])
def test_a_forged_iterator_is_refused(core: Any, token: str) -> None:
    with pytest.raises(Refused, match=r"Invalid ShardIterator\."):
        read(core, token)


def test_a_read_gives_10_000_records_at_most(core: Any) -> None:
    for _ in range(21):
        put(core, *[b"x"] * 500)
    answer = read(core, iterator(core))
    assert len(answer["Records"]) == 10_000
    assert len(read(core, answer["NextShardIterator"])["Records"]) == 500
    with pytest.raises(Refused, match="'limit'"):
        read(core, iterator(core), Limit=10_001)


def test_a_read_gives_10_mib_at_most_but_one_record_at_least(core: Any) -> None:
    for _ in range(11):
        put(core, b"x" * (MIB - 100))
    assert len(read(core, iterator(core))["Records"]) == 10
    core.create_stream("large", max_record_kib=10_240)
    core.handle("PutRecord", {"StreamName": "large", "PartitionKey": "a", "Data": b"x" * (10 * MIB - 1)})
    request = {"StreamName": "large", "ShardId": SHARD, "ShardIteratorType": "TRIM_HORIZON"}
    assert len(read(core, core.handle("GetShardIterator", request)["ShardIterator"])["Records"]) == 1


def test_a_dry_run_of_reading_reads_nothing(core: Any) -> None:
    with pytest.raises(Refused, match="DryRunOperationException"):
        iterator(core, DryRun=True)
    with pytest.raises(Refused, match="DryRunOperationException"):
        read(core, iterator(core), DryRun=True)


def test_without_its_records_the_fake_still_counts(clock: Any) -> None:
    core = FakeKinesisCore({"purchases": 1}, clock=clock, keep_records=False)
    put(core, b"one", b"two")
    assert data(read(core, iterator(core))) == []
    assert core.books.counts("purchases").stored == 2


def test_stored_records_cannot_be_changed(core: Any) -> None:
    put(core, b"one")
    (record,) = core.books.in_order("purchases")
    assert isinstance(record, StoredRecord)
    with pytest.raises(AttributeError):
        record.data = b"two"  # type: ignore[misc]
