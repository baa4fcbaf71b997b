from __future__ import annotations

from typing import Any

import pytest

from airflow_netmera_kinesis.testing import FakeKinesisCore, ShardQuota

BOTH_SHARDS = [str(2**126), str(2**128 - 1)]


@pytest.fixture
def core(clock: Any) -> FakeKinesisCore:
    return FakeKinesisCore({"purchases": 2}, clock=clock, quota=ShardQuota())


def put(core: Any, count: int, size: int = 1, shard: int = 0) -> int:
    """Put so many records, and say how many were rejected."""
    entry = {"PartitionKey": "a", "Data": b"x" * (size - 1), "ExplicitHashKey": BOTH_SHARDS[shard]}
    return sum(
        int(core.handle("PutRecords", {"StreamName": "purchases", "Records": [entry] * part})["FailedRecordCount"])
        for part in [500] * (count // 500) + [count % 500] * (count % 500 > 0)
    )


def test_a_shard_takes_1_000_records_a_second(core: Any, clock: Any) -> None:
    assert put(core, 1500) == 500
    clock.now += 0.25
    assert put(core, 500) == 250


def test_a_shard_takes_1_mb_a_second(core: Any, clock: Any) -> None:
    assert put(core, 150, size=10_000) == 50
    clock.now += 0.5
    assert put(core, 100, size=10_000) == 50


def test_each_shard_has_its_own_quota(core: Any) -> None:
    assert put(core, 1500, shard=0) == 500
    assert put(core, 1000, shard=1) == 0
    assert core.books.counts("purchases").rejected == {"shardId-000000000000": 500}


def test_an_idle_shard_saves_up_one_burst_and_no_more(core: Any, clock: Any) -> None:
    clock.now += 3600
    assert put(core, 1500) == 500


def test_a_burst_may_be_longer(clock: Any) -> None:
    core = FakeKinesisCore({"purchases": 1}, clock=clock, quota=ShardQuota(burst_seconds=3))
    assert put(core, 3500) == 500


def test_a_rejected_record_costs_nothing(core: Any, clock: Any) -> None:
    assert put(core, 100, size=10_000) == 0
    assert put(core, 500) == 500
    clock.now += 1
    assert put(core, 1000) == 0


def test_the_children_of_a_split_start_with_full_quotas(core: Any) -> None:
    assert put(core, 1500) == 500
    core.reshard("purchases", 4)
    assert put(core, 1000) == 0


def test_a_record_larger_than_the_bucket_passes_a_rested_shard_and_is_paid_off(core: Any, clock: Any) -> None:
    core.handle("UpdateMaxRecordSize", {"StreamName": "purchases", "MaxRecordSizeInKiB": 10_240})
    assert put(core, 1, size=5_000_000) == 0
    clock.now += 4
    assert put(core, 1) == 1
    clock.now += 1
    assert put(core, 1) == 0


def test_a_clock_set_back_gives_nothing_and_takes_nothing(core: Any, clock: Any) -> None:
    assert put(core, 1000) == 0
    clock.now -= 10
    assert put(core, 1) == 1
    clock.now += 11
    assert put(core, 1000) == 0


def test_the_quota_can_change_and_be_lifted(core: Any) -> None:
    assert put(core, 1500) == 500
    core.quota = ShardQuota(records_per_second=10)
    assert put(core, 20) == 10
    core.quota = None
    assert put(core, 5000) == 0


@pytest.mark.parametrize("wrong", [{"records_per_second": 0}, {"bytes_per_second": -1}, {"burst_seconds": 0}])
def test_a_quota_that_lets_nothing_through_is_an_error(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"quota|burst_seconds"):
        ShardQuota(**wrong)
