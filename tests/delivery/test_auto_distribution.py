"""A stream that ignores keys is for those who do without order, and its shards share everything evenly."""

from __future__ import annotations

from collections import Counter

import pytest

from airflow_netmera_kinesis.delivery.auto_distribution import DealtShardMap, check_allowed
from airflow_netmera_kinesis.delivery.shard_map import ANY_SHARD, HASH_SPACE, Shard
from airflow_netmera_kinesis.delivery.sharing import shares_of
from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition, Packing

TWO = [Shard("shard-0", 0, HASH_SPACE // 2 - 1), Shard("shard-1", HASH_SPACE // 2, HASH_SPACE - 1)]


def hook(name: str, allow_unordered: bool = True, packing: Packing = Packing.NDJSON) -> HookDefinition:
    return HookDefinition(name, stream_name="logins", allow_unordered=allow_unordered, packing=packing)


def test_it_is_refused_for_a_hook_that_needs_order_with_the_reason() -> None:
    with pytest.raises(
        ConfigurationError, match=r"stream logins: .*AUTO.*hook screens asks for.*allow_unordered: true"
    ):
        check_allowed("logins", [hook("logins"), hook("screens", allow_unordered=False)])


def test_it_is_allowed_when_all_its_hooks_do_without_order() -> None:
    check_allowed("logins", [hook("logins"), hook("screens")])


def test_aggregates_are_refused_since_kcl_would_drop_their_events() -> None:
    with pytest.raises(ConfigurationError, match="packing is kpl"):
        check_allowed("logins", [hook("logins", packing=Packing.KPL)])


def test_records_are_expected_on_all_shards_in_turn() -> None:
    shards = DealtShardMap(TWO)
    assert Counter(shards.shard_of("ayşe") for _ in range(100)) == {"shard-0": 50, "shard-1": 50}
    assert shards.known == {"shard-0", "shard-1"}


def test_every_running_partition_has_its_part_of_every_shard() -> None:
    assert shares_of(DealtShardMap(TWO), 2, [0, 1]) == {"shard-0": 0.5, "shard-1": 0.5}
    assert shares_of(DealtShardMap(TWO), 4, [3]) == {"shard-0": 1.0, "shard-1": 1.0}


def test_shards_that_may_not_be_listed_are_learnt() -> None:
    shards = DealtShardMap()
    assert not shards
    assert shards.shard_of("ayşe") == ANY_SHARD
    assert shards.learn("ayşe", "shard-0")
    assert shards.learn("ayşe", "shard-1")
    assert not shards.learn("ali", "shard-0")
    assert shards
    assert {shards.shard_of("ayşe"), shards.shard_of("ayşe")} == {"shard-0", "shard-1"}
