"""What one stream would take, measured in bounded memory."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_netmera_kinesis.delivery.packing import MAX_PACKED_BYTES
from airflow_netmera_kinesis.forecast import stream_load
from airflow_netmera_kinesis.forecast.stream_load import BUCKETS, StreamLoad, UserLoad
from airflow_netmera_kinesis.netmera.partition_key import partition_of


def load_of(*records: tuple[str, int]) -> StreamLoad:
    load = StreamLoad()
    for key, size in records:
        load.add(partition_of(key, BUCKETS), key, size)
    return load


@given(st.lists(st.tuples(st.sampled_from([f"user-{n}" for n in range(40)]), st.integers(1, 2_000)), max_size=60))
@pytest.mark.parametrize("shards", [1, 2, 4, 16, 256])
def test_the_fullest_shard_is_the_one_that_kinesis_routing_fills(shards: int, records: list[tuple[str, int]]) -> None:
    events, sizes = Counter[int](), Counter[int]()
    for key, size in records:
        shard = partition_of(key, shards)
        events[shard] += 1
        sizes[shard] += size
    (fullest,) = load_of(*records).shard_loads([shards])
    assert fullest.records == max(events.values(), default=0)
    assert fullest.bytes == max(sizes.values(), default=0)


def test_the_busiest_users_come_first() -> None:
    load = load_of(("ada", 10), ("ada", 10), ("bob", 900), ("cleo", 5))
    assert load.top_by_events(2) == [UserLoad("ada", 2, 20), UserLoad("bob", 1, 900)]
    assert load.top_by_bytes(1) == [UserLoad("bob", 1, 900)]
    assert (load.users, load.exact, load.largest) == (3, True, 900)


def test_packing_saves_what_records_are_rounded_up_by() -> None:
    load = load_of(*[("ada", 600)] * 40, ("bob", 600))
    assert (load.alone.units, load.alone.kib) == (41, 41)
    assert (load.packed.units, load.packed.kib) == (2, 24 + 1)


def test_a_user_with_more_than_a_record_holds_needs_several() -> None:
    assert UserLoad("ada", 9, MAX_PACKED_BYTES).packed_records == 1
    assert UserLoad("ada", 9, MAX_PACKED_BYTES + 1).packed_records == 2


def test_memory_is_bounded_by_forgetting_small_users_and_saying_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_load, "MAX_USERS", 100)
    monkeypatch.setattr(stream_load, "_KEPT_USERS", 10)
    load = load_of(*[("ada", 100)] * 50, ("bob", 9_000), *[(f"user-{n}", 100) for n in range(500)])
    assert not load.exact
    assert load.users == 502
    assert load.top_by_events(1)[0] == UserLoad("ada", 50, 5_000)
    assert load.top_by_bytes(1)[0] == UserLoad("bob", 1, 9_000)
    assert load.packed.units == 502, "each of them would need one record"
