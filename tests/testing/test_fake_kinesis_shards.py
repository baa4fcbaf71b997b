from __future__ import annotations

from hashlib import md5
from itertools import pairwise
from typing import Any

import pytest

from airflow_netmera_kinesis.testing import FakeKinesisCore, Refused
from airflow_netmera_kinesis.testing.rules import HASH_KEYS

SHARD = "shardId-000000000000"
OTHER = "shardId-000000000001"
NAMES = ["ayse", "fatma", "şule", "中村", "a" * 256, "42", "é", "e\u0301", "🦊"]


def put(core: Any, *keys: str, **more: str) -> list[dict[str, Any]]:
    records = [{"PartitionKey": key, "Data": key.encode(), **more} for key in keys]
    answers: list[dict[str, Any]] = core.handle("PutRecords", {"StreamName": "purchases", "Records": records})[
        "Records"
    ]
    return answers


def shards(core: Any, **request: Any) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = core.handle("ListShards", {"StreamName": "purchases", **request})["Shards"]
    return listed


def open_ranges(core: Any) -> list[tuple[int, int]]:
    ranges = [shard["HashKeyRange"] for shard in shards(core, ShardFilter={"Type": "AT_LATEST"})]
    return sorted((int(r["StartingHashKey"]), int(r["EndingHashKey"])) for r in ranges)


def split(core: Any, shard: str, at: int) -> Any:
    return core.handle("SplitShard", {"StreamName": "purchases", "ShardToSplit": shard, "NewStartingHashKey": str(at)})


def merge(core: Any, shard: str, adjacent: str) -> Any:
    request = {"StreamName": "purchases", "ShardToMerge": shard, "AdjacentShardToMerge": adjacent}
    return core.handle("MergeShards", request)


def update(core: Any, count: int) -> Any:
    request = {"StreamName": "purchases", "TargetShardCount": count, "ScalingType": "UNIFORM_SCALING"}
    return core.handle("UpdateShardCount", request)


def assert_covered(core: Any) -> None:
    ranges = open_ranges(core)
    assert ranges[0][0] == 0
    assert ranges[-1][1] == HASH_KEYS - 1
    assert all(left[1] + 1 == right[0] for left, right in pairwise(ranges))


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_the_md5_of_the_key_picks_the_shard(count: int) -> None:
    core = FakeKinesisCore({"purchases": count})
    ranges = {shard["ShardId"]: shard["HashKeyRange"] for shard in shards(core)}
    for key, answer in zip(NAMES, put(core, *NAMES), strict=True):
        hash_key = int(md5(key.encode()).hexdigest(), 16)
        chosen = ranges[answer["ShardId"]]
        assert int(chosen["StartingHashKey"]) <= hash_key <= int(chosen["EndingHashKey"])


def test_an_explicit_hash_key_goes_before_the_md5(core: Any) -> None:
    edge = HASH_KEYS // 2
    for hash_key, shard in ((0, SHARD), (edge - 1, SHARD), (edge, OTHER), (HASH_KEYS - 1, OTHER)):
        assert {answer["ShardId"] for answer in put(core, *NAMES, ExplicitHashKey=str(hash_key))} == {shard}


def test_sequence_numbers_have_56_digits_and_rise_within_a_shard(core: Any, clock: Any) -> None:
    numbers: dict[str, list[int]] = {}
    for second in range(3):
        clock.now += second
        for answer in put(core, *NAMES):
            assert len(answer["SequenceNumber"]) == 56
            numbers.setdefault(answer["ShardId"], []).append(int(answer["SequenceNumber"]))
    assert all(given == sorted(set(given)) for given in numbers.values())


def test_sequence_numbers_rise_even_when_the_clock_goes_back(core: Any, clock: Any) -> None:
    (before,) = put(core, "ayse")
    clock.now -= 3600
    (after,) = put(core, "ayse")
    assert int(after["SequenceNumber"]) > int(before["SequenceNumber"])


def test_a_split_closes_the_parent_and_its_children_take_what_comes(core: Any) -> None:
    before = put(core, *NAMES)
    split(core, SHARD, HASH_KEYS // 4)
    after = put(core, *NAMES)
    closed, untouched, left, right = shards(core)
    assert "EndingSequenceNumber" in closed["SequenceNumberRange"]
    assert "EndingSequenceNumber" not in untouched["SequenceNumberRange"]
    assert (left["ParentShardId"], right["ParentShardId"]) == (SHARD, SHARD)
    assert {answer["ShardId"] for answer in after} == {OTHER, left["ShardId"], right["ShardId"]}
    assert_covered(core)
    for old, new in zip(before, after, strict=True):
        assert int(new["SequenceNumber"]) > int(old["SequenceNumber"])
    ending = int(closed["SequenceNumberRange"]["EndingSequenceNumber"])
    assert ending > max(int(old["SequenceNumber"]) for old in before if old["ShardId"] == SHARD)
    starts = [int(child["SequenceNumberRange"]["StartingSequenceNumber"]) for child in (left, right)]
    assert min(starts) > ending


def test_a_merge_names_both_parents(core: Any) -> None:
    merge(core, SHARD, OTHER)
    merged = shards(core)[-1]
    assert (merged["ParentShardId"], merged["AdjacentParentShardId"]) == (SHARD, OTHER)
    assert {answer["ShardId"] for answer in put(core, *NAMES)} == {merged["ShardId"]}
    assert_covered(core)


@pytest.mark.parametrize(("before", "after"), [(2, 4), (2, 3), (3, 2), (4, 2), (5, 7), (7, 4), (3, 6), (4, 4)])
def test_a_new_shard_count_makes_shards_of_one_size(before: int, after: int) -> None:
    core = FakeKinesisCore({"purchases": before})
    answer = update(core, after)
    assert (answer["CurrentShardCount"], answer["TargetShardCount"]) == (before, after)
    sizes = {end - start + 1 for start, end in open_ranges(core)}
    assert len(open_ranges(core)) == after
    assert max(sizes) - min(sizes) < 2**40
    assert_covered(core)


@pytest.mark.parametrize(("before", "after"), [(3, 6), (7, 14), (6, 3)])
def test_doubling_and_halving_change_each_shard_once(before: int, after: int) -> None:
    core = FakeKinesisCore({"purchases": before})
    update(core, after)
    assert len(shards(core)) == before + after


@pytest.mark.parametrize("count", [5, 1])
def test_a_shard_count_changes_by_a_factor_of_two_at_most(count: int) -> None:
    core = FakeKinesisCore({"purchases": 2 if count > 2 else 3})
    with pytest.raises(Refused, match="UpdateShardCount cannot scale"):
        update(core, count)


def test_the_fake_itself_reshards_to_any_number(core: Any) -> None:
    for count in (16, 1, 5):
        core.reshard("purchases", count)
        assert len(open_ranges(core)) == count
        assert_covered(core)


@pytest.mark.parametrize("at", [0, 1, HASH_KEYS // 2 - 1, HASH_KEYS // 2, HASH_KEYS - 1])
def test_a_split_at_or_beyond_the_edge_is_refused(core: Any, at: int) -> None:
    with pytest.raises(Refused, match="is not both greater than one plus the shard's StartingHashKey 0"):
        split(core, SHARD, at)


def test_shards_that_are_not_neighbours_in_order_are_not_merged(core: Any) -> None:
    for shard, adjacent in ((OTHER, SHARD), (SHARD, SHARD)):
        with pytest.raises(Refused, match="are not an adjacent pair of shards eligible for merging"):
            merge(core, shard, adjacent)


def test_a_closed_shard_is_not_resharded_again(core: Any) -> None:
    split(core, SHARD, 5)
    with pytest.raises(Refused, match="has already been merged or split"):
        split(core, SHARD, 5)
    with pytest.raises(Refused, match="has already been merged or split"):
        merge(core, SHARD, OTHER)


def test_a_missing_shard_is_not_found(core: Any) -> None:
    with pytest.raises(Refused, match=r"Could not find shard shardId-000000000009 in stream purchases under account"):
        split(core, "shardId-000000000009", 5)


def test_a_stream_that_is_updating_is_written_to_but_not_resharded(clock: Any) -> None:
    core = FakeKinesisCore({"purchases": 2}, clock=clock, updating_seconds=60)
    split(core, SHARD, 5)
    put(core, *NAMES)
    with pytest.raises(Refused, match="not ACTIVE, instead in state UPDATING"):
        update(core, 4)
    clock.now += 60
    update(core, 4)


def test_shards_are_listed_page_by_page(core: Any, clock: Any) -> None:
    core.reshard("purchases", 5)
    everything = [shard["ShardId"] for shard in shards(core)]
    page = core.handle("ListShards", {"StreamName": "purchases", "MaxResults": 3})
    found = [shard["ShardId"] for shard in page["Shards"]]
    while "NextToken" in page:
        clock.now += 200
        page = core.handle("ListShards", {"NextToken": page["NextToken"], "MaxResults": 3})
        found += [shard["ShardId"] for shard in page["Shards"]]
    assert found == everything


def test_a_page_of_shards_has_its_rules(core: Any, clock: Any) -> None:
    token = core.handle("ListShards", {"StreamName": "purchases", "MaxResults": 1})["NextToken"]
    with pytest.raises(Refused, match="NextToken and StreamName cannot be provided together"):
        shards(core, NextToken=token)
    with pytest.raises(Refused, match="InvalidArgumentException"):
        core.handle("ListShards", {"NextToken": "nonsense"})
    clock.now += 301
    with pytest.raises(Refused, match="ExpiredNextTokenException"):
        core.handle("ListShards", {"NextToken": token})


def test_shards_are_filtered(core: Any, clock: Any) -> None:
    created = clock.now
    clock.now += 100
    split(core, SHARD, HASH_KEYS // 4)
    clock.now += 100

    def found(**wanted: Any) -> str:
        return "".join(shard["ShardId"][-1] for shard in shards(core, ShardFilter=wanted))

    assert found(Type="FROM_TRIM_HORIZON") == "0123"
    assert found(Type="AT_TRIM_HORIZON") == "01"
    assert found(Type="AT_LATEST") == "123"
    assert found(Type="AFTER_SHARD_ID", ShardId=OTHER) == "23"
    assert found(Type="AT_TIMESTAMP", Timestamp=created + 50) == "01"
    assert found(Type="AT_TIMESTAMP", Timestamp=created + 150) == "123"
    assert found(Type="FROM_TIMESTAMP", Timestamp=created + 50) == "0123"
    assert found(Type="FROM_TIMESTAMP", Timestamp=created + 150) == "123"
    assert "".join(shard["ShardId"][-1] for shard in shards(core, ExclusiveStartShardId=SHARD)) == "123"
    for unusable in ({"Type": "AT_TIMESTAMP"}, {"Type": "AFTER_SHARD_ID"}, {"Type": "SOMEWHERE"}):
        with pytest.raises(Refused, match="ShardFilter"):
            found(**unusable)
