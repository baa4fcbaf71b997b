"""Send tasks that write to the same shard share it; those that do not, do not."""

from __future__ import annotations

from random import Random

import pytest
from property_play import STREAM, Play, Plot
from simulation import Clock, MemorySpill, SimulatedTransport

from airflow_netmera_kinesis.delivery.ordering import Lanes
from airflow_netmera_kinesis.delivery.pacing import Paces
from airflow_netmera_kinesis.delivery.request import RequestLimits, Requests
from airflow_netmera_kinesis.delivery.shard_map import HASH_SPACE, LearnedShardMap, Shard, ShardMap
from airflow_netmera_kinesis.delivery.shard_watch import ShardWatch
from airflow_netmera_kinesis.delivery.sharing import running_partitions, send_task, shares_of
from airflow_netmera_kinesis.state.lease import acquire
from airflow_netmera_kinesis.storage import Folder
from airflow_netmera_kinesis.testing import FakeKinesisCore, ShardQuota

SLICE = "20260907-abc"


def evenly(shards: int) -> ShardMap:
    edges = [HASH_SPACE * shard // shards for shard in range(shards + 1)]
    return ShardMap(Shard(f"s{n}", edges[n], edges[n + 1] - 1) for n in range(shards))


@pytest.mark.parametrize(
    ("shards", "partitions", "running", "shares"),
    [
        (1, 1, {0}, [1.0]),
        (1, 4, {0, 1, 2, 3}, [0.25]),
        (1, 4, {2}, [1.0]),
        (4, 4, {0, 1, 2, 3}, [1.0] * 4),
        (4, 2, {0, 1}, [1.0] * 4),
        (2, 4, {0, 1, 3}, [0.5, 1.0]),
        (3, 2, {0, 1}, [1.0, 0.5, 1.0]),
        (2, 4, set(), [1.0, 1.0]),
    ],
)
def test_each_running_partition_gets_an_equal_part_of_the_shards_that_it_meets(
    shards: int, partitions: int, running: set[int], shares: list[float]
) -> None:
    assert list(shares_of(evenly(shards), partitions, running).values()) == shares


def test_a_partition_that_ends_where_a_shard_ends_does_not_meet_the_next() -> None:
    edge = HASH_SPACE // 2
    for first in (edge - 1, edge, edge + 1):
        shards = ShardMap([Shard("low", 0, first - 1), Shard("high", first, HASH_SPACE - 1)])
        shares = shares_of(shards, 2, {0, 1})
        assert shares == {"low": 0.5 if first > edge else 1.0, "high": 0.5 if first < edge else 1.0}


def test_where_shards_are_not_listed_there_is_nothing_to_share() -> None:
    assert shares_of(LearnedShardMap(), 4, {0, 1}) == {}


def test_who_runs_is_told_by_the_leases_of_the_slice(folder: Folder) -> None:
    assert running_partitions(folder, SLICE) == set()
    leases = [acquire(folder, f"{SLICE}/{send_task(partition)}", "test") for partition in (0, 3, 12)]
    others = [acquire(folder, name, "test") for name in (f"{SLICE}/match-00001", f"another/{send_task(7)}")]
    assert running_partitions(folder, SLICE) == {0, 3, 12}
    leases[1].release()
    assert running_partitions(folder, SLICE) == {0, 12}
    for lease in (leases[0], leases[2], *others):
        lease.release()


@pytest.mark.parametrize("shards", [1, 2])
def test_four_partitions_side_by_side_use_a_stream_almost_fully_and_it_hardly_rejects(shards: int) -> None:
    play = Play(Plot(count=40_000, users=10**9, quota=ShardQuota(), shards=shards, partitions=4))
    play.run()
    books = play.core.books.counts(STREAM)
    assert books.stored == 40_000
    assert 40.0 / (play.seconds * shards) > 0.95
    assert sum(books.rejected.values()) < 0.02 * 40_000


def test_when_a_shard_rejects_who_else_writes_is_asked_at_once_and_ever_less_often_if_nobody_does() -> None:
    clock, asked, others = Clock(), [], {"s0": 0.5}
    core = FakeKinesisCore({STREAM: 1}, clock=clock)
    transport = SimulatedTransport(core, clock, STREAM, Random(1))

    def shares(_: ShardMap) -> dict[str, float]:
        asked.append(clock.now)
        return dict(others)

    lanes, paces = Lanes(lambda digest: "s0", MemorySpill()), Paces(elastic=False, unlimited=frozenset(), rng=Random(1))
    watch = ShardWatch(transport, lanes, Requests(lanes, paces, RequestLimits()), paces, shares, clock)
    watch.load()
    began = clock.now
    for _ in range(100):
        clock.wait(clock.now + 0.5)
        watch.suspect(clock.now)
    assert [at - began for at in asked] == [0.0, 1.0, 3.0, 7.0, 15.0, 31.0, 47.0]
    others["s0"] = 0.25
    clock.wait(clock.now + 16.0)
    watch.suspect(clock.now)
    assert paces.of("s0", clock.now).share == 0.25
    clock.wait(clock.now + 1.0)
    watch.suspect(clock.now)
    assert asked[-1] == clock.now
