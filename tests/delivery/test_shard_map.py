"""A key's shard is known before it is sent: from ListShards, or from where its neighbours went."""

from __future__ import annotations

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from airflow_netmera_kinesis.delivery.shard_map import ANY_SHARD, HASH_SPACE, LearnedShardMap, Shard, ShardMap, hash_of


def evenly(shards: int) -> ShardMap:
    edges = [HASH_SPACE * shard // shards for shard in range(shards + 1)]
    return ShardMap(Shard(f"shardId-{n:012d}", edges[n], edges[n + 1] - 1) for n in reversed(range(shards)))


def test_the_hash_of_a_key_is_the_md5_of_its_utf8() -> None:
    assert hash_of("") == 0xD41D8CD98F00B204E9800998ECF8427E
    assert hash_of("ayşe") == 0x40517CAB348A09519688BFA61BB46432


@mock_aws
def test_keys_go_where_moto_puts_them() -> None:
    client = boto3.client("kinesis", "eu-central-1", aws_access_key_id="any", aws_secret_access_key="any")
    client.create_stream(StreamName="purchases", ShardCount=5)
    keys = [f"{name}-{n}" for name in ("ayşe", "中村", "🦊", "u") for n in range(50)]
    answer = client.put_records(StreamName="purchases", Records=[{"Data": b"{}", "PartitionKey": key} for key in keys])
    listed = client.list_shards(StreamName="purchases")["Shards"]
    ranges = [(shard["ShardId"], shard["HashKeyRange"]) for shard in listed]
    shards = ShardMap(Shard(name, int(at["StartingHashKey"]), int(at["EndingHashKey"])) for name, at in ranges)
    assert [shards.shard_of(key) for key in keys] == [placed["ShardId"] for placed in answer["Records"]]


@pytest.mark.parametrize("edge", [-1, 0, 1])
def test_a_range_includes_its_first_and_its_last_hash(edge: int) -> None:
    key = "mehmet"
    shards = ShardMap([Shard("low", 0, hash_of(key) + edge - 1), Shard("high", hash_of(key) + edge, HASH_SPACE - 1)])
    assert shards.shard_of(key) == ("low" if edge == 1 else "high")


def test_a_map_is_empty_until_a_shard_is_known() -> None:
    assert not ShardMap([])
    assert not LearnedShardMap()
    assert evenly(1)
    assert evenly(3).known == {f"shardId-{n:012d}" for n in range(3)}


def test_a_listed_map_learns_nothing() -> None:
    shards = evenly(2)
    assert not shards.learn("ayşe", "shardId-000000000099")
    assert shards.shard_of("ayşe") in shards.known


def test_a_map_that_knows_nothing_sends_everybody_anywhere() -> None:
    shards = LearnedShardMap()
    assert shards.shard_of("ayşe") == ANY_SHARD
    assert shards.learn("ayşe", "shardId-000000000000")
    assert shards
    assert shards.shard_of("ayşe") == "shardId-000000000000"


def test_two_keys_of_a_shard_tell_where_everybody_between_them_goes() -> None:
    shards = LearnedShardMap()
    low, middle, high = sorted(["ayşe", "mehmet", "zeynep"], key=hash_of)
    shards.learn(low, "a")
    assert shards.shard_of(middle) == ANY_SHARD
    assert shards.learn(high, "a")
    assert shards.shard_of(middle) == "a"
    assert not shards.learn(middle, "a")


def test_an_answer_within_another_shards_range_means_that_all_is_learned_anew() -> None:
    shards = LearnedShardMap()
    low, middle, high = sorted(["ayşe", "mehmet", "zeynep"], key=hash_of)
    shards.learn(low, "parent")
    shards.learn(high, "parent")
    assert shards.learn(middle, "child")
    assert shards.shard_of(middle) == "child"
    assert {shards.shard_of(low), shards.shard_of(high)} == {ANY_SHARD}


def test_a_range_that_would_run_over_another_shards_range_means_the_same() -> None:
    shards = LearnedShardMap()
    low, middle, high = sorted(["ayşe", "mehmet", "zeynep"], key=hash_of)
    shards.learn(low, "a")
    shards.learn(middle, "b")
    assert shards.learn(high, "a")
    assert shards.shard_of(high) == "a"
    assert {shards.shard_of(low), shards.shard_of(middle)} == {ANY_SHARD}


@given(st.lists(st.text(max_size=5), max_size=60), st.integers(1, 6))
def test_what_was_learned_of_a_stream_at_rest_is_never_wrong(keys: list[str], count: int) -> None:
    truth, learned = evenly(count), LearnedShardMap()
    for key in keys:
        assert learned.shard_of(key) in {ANY_SHARD, truth.shard_of(key)}
        learned.learn(key, truth.shard_of(key))
        assert learned.shard_of(key) == truth.shard_of(key)


@given(st.lists(st.text(max_size=5), min_size=1, max_size=40), st.integers(1, 4), st.integers(1, 4))
def test_after_a_reshard_the_last_answer_is_always_believed(keys: list[str], before: int, after: int) -> None:
    old, new, learned = evenly(before), evenly(after), LearnedShardMap()
    for key in keys:
        learned.learn(key, old.shard_of(key))
    for key in keys:
        learned.learn(key, f"child-{new.shard_of(key)}")
        assert learned.shard_of(key) == f"child-{new.shard_of(key)}"
