"""A request is as full as limits, paces and order allow; what was lost goes first, a suspect goes apart."""

from __future__ import annotations

from random import Random

import pytest
from simulation import MemorySpill, make_record

from airflow_netmera_kinesis.delivery.ordering import Entry, Lanes
from airflow_netmera_kinesis.delivery.pacing import Paces
from airflow_netmera_kinesis.delivery.request import Request, RequestLimits, Requests
from airflow_netmera_kinesis.delivery.shard_map import ANY_SHARD, HASH_SPACE, Shard, ShardMap

NOW = 1_000.0
MIB = 1024 * 1024
ONE_SHARD = ShardMap([Shard("only", 0, HASH_SPACE - 1)])
TWO_SHARDS = ShardMap([Shard("low", 0, HASH_SPACE // 2 - 1), Shard("high", HASH_SPACE // 2, HASH_SPACE - 1)])
LOW = [key for key in (f"user-{n}" for n in range(3_000)) if TWO_SHARDS.shard_of(key) == "low"]
HIGH = [key for key in (f"user-{n}" for n in range(3_000)) if TWO_SHARDS.shard_of(key) == "high"]


class Desk:
    """Requests over lanes that a test fills. Where shards are not known, no pace holds them."""

    def __init__(self, shards: ShardMap | None = None, limits: RequestLimits | None = None) -> None:
        shard_at = shards.shard_at if shards else lambda digest: ANY_SHARD
        self.lanes = Lanes(shard_at, MemorySpill())
        self.paces = Paces(elastic=False, unlimited=frozenset({ANY_SHARD}), rng=Random(1))
        self.requests = Requests(self.lanes, self.paces, limits or RequestLimits())
        if shards:
            self.requests.shards = shards

    def offer(self, keys: list[str], size: int = 40) -> None:
        for line, key in enumerate(keys, start=1):
            self.lanes.offer(make_record(line, key, size))

    def lose(self, *entries: Entry) -> None:
        for entry in entries:
            self.lanes.put_first(entry)

    def cut(self, now: float = NOW) -> Request:
        request = self.requests.cut(now)
        assert request is not None
        return request


def users(count: int) -> list[str]:
    return [f"user-{n:05d}" for n in range(count)]


def keys(request: Request) -> list[str]:
    return [entry.key for entry in request.entries]


@pytest.mark.parametrize(("offered", "sizes"), [(1, [1]), (499, [499]), (500, [500]), (501, [500, 1])])
def test_a_request_holds_500_records_at_most(offered: int, sizes: list[int]) -> None:
    desk = Desk()
    desk.offer(users(offered))
    assert [len(desk.cut().entries) for _ in sizes] == sizes
    assert desk.requests.cut(NOW) is None


@pytest.mark.parametrize(("extra", "sizes"), [(0, [5]), (1, [4, 1])])
def test_a_request_holds_5_mib_at_most_keys_included(extra: int, sizes: list[int]) -> None:
    desk = Desk()
    desk.offer(users(4), size=MIB - len("user-00000"))
    desk.offer(["the-last"], size=MIB - len("the-last") + extra)
    requests = [desk.cut() for _ in sizes]
    assert [len(request.entries) for request in requests] == sizes
    assert requests[0].size == (5 * MIB if extra == 0 else 4 * MIB)


@pytest.mark.parametrize("sizes", [[3, 3, 1]])
def test_a_hooks_own_batch_is_the_limit(sizes: list[int]) -> None:
    desk = Desk(limits=RequestLimits(records=3))
    desk.offer(users(7))
    assert [len(desk.cut().entries) for _ in sizes] == sizes


def test_what_was_lost_goes_first_and_the_rest_is_filled_up() -> None:
    desk = Desk()
    desk.offer(users(3))
    lost = desk.cut().entries
    desk.offer(["ayşe", "mehmet"])
    desk.lose(*reversed(lost))
    assert keys(desk.cut()) == [*reversed(users(3)), "ayşe", "mehmet"]


def test_of_501_lost_records_the_last_goes_with_the_next_request() -> None:
    desk = Desk()
    desk.offer(users(501))
    first, second = desk.cut(), desk.cut()
    desk.lose(*first.entries, *second.entries)
    assert desk.requests.fills(NOW)
    assert [len(desk.cut().entries), len(desk.cut().entries)] == [500, 1]


def test_lost_records_keep_to_the_bytes_of_a_request_too() -> None:
    desk = Desk()
    desk.offer(users(6), size=MIB - 10)
    desk.lose(*desk.cut().entries, *desk.cut().entries)
    assert [desk.cut().size, desk.cut().size] == [5 * MIB, MIB]


def test_a_lost_record_larger_than_a_request_goes_alone() -> None:
    desk = Desk(limits=RequestLimits(size=100))
    desk.offer(["large"], size=900)
    desk.lose(*desk.cut().entries)
    desk.offer(["small"])
    assert [keys(desk.cut()), keys(desk.cut())] == [["large"], ["small"]]


def test_lost_records_do_not_wait_for_their_shard_but_are_counted_in_its_pace() -> None:
    desk = Desk(ONE_SHARD)
    desk.offer(users(10))
    lost = desk.cut().entries
    desk.paces.of("only", NOW).take(2_000, 0)
    before, _ = desk.paces.of("only", NOW).allowance()
    desk.lose(*lost)
    desk.offer(["ayşe"])
    assert keys(desk.cut()) == users(10)
    assert desk.paces.of("only", NOW).allowance()[0] == before - 10


def test_suspects_go_apart_before_all_others_each_group_in_a_request_of_its_own() -> None:
    desk = Desk()
    desk.offer(users(4))
    entries = desk.cut().entries
    desk.offer(["ayşe"])
    desk.requests.suspect(entries[:2])
    desk.requests.suspect(entries[2:])
    assert desk.requests.suspects == 4
    assert desk.requests.fills(NOW)
    assert [keys(desk.cut()) for _ in range(3)] == [users(4)[:2], users(4)[2:], ["ayşe"]]
    assert desk.requests.suspects == 0


def test_while_the_whole_stream_waits_nothing_goes() -> None:
    desk = Desk()
    desk.offer(users(600))
    desk.requests.suspect(desk.cut().entries)
    desk.requests.not_before = NOW + 2.5
    assert desk.requests.cut(NOW) is None
    assert not desk.requests.fills(NOW)
    assert desk.requests.due(NOW) == pytest.approx(2.5)
    assert desk.requests.cut(NOW + 2.5) is not None
    assert desk.requests.due(NOW + 2.5) == 0.0


def test_nothing_is_due_when_nothing_is_ready() -> None:
    desk = Desk(TWO_SHARDS)
    assert desk.requests.due(NOW) is None
    desk.offer(LOW[:3])
    assert desk.requests.due(NOW) == 0.0
    desk.cut()
    assert desk.requests.due(NOW) is None


@pytest.mark.parametrize(("offered", "fills"), [(499, False), (500, True)])
def test_a_request_is_worth_sending_at_once_when_it_is_full(offered: int, fills: bool) -> None:
    desk = Desk()
    desk.offer(users(offered))
    assert desk.requests.fills(NOW) is fills


@pytest.mark.parametrize(("size", "fills"), [(MIB - 11, False), (MIB - 10, True)])
def test_or_when_its_bytes_are(size: int, fills: bool) -> None:
    desk = Desk()
    desk.offer(users(5), size=size)
    assert desk.requests.fills(NOW) is fills


def test_a_shard_that_backs_off_holds_up_its_own_records_only() -> None:
    desk = Desk(TWO_SHARDS)
    desk.offer([*LOW[:5], *HIGH[:5]])
    desk.paces.reject("low", 1, NOW)
    assert set(keys(desk.cut())) == set(HIGH[:5])
    assert desk.requests.cut(NOW) is None
    wait = desk.requests.due(NOW)
    assert wait is not None
    assert set(keys(desk.cut(NOW + wait))) == set(LOW[:5])


def test_a_shard_gives_no_more_than_it_may_take_now() -> None:
    desk = Desk(TWO_SHARDS, RequestLimits(records=700))
    desk.offer([*LOW[:800], *HIGH[:100]])
    sent = keys(desk.cut())
    assert len(sent) == 600
    assert sum(TWO_SHARDS.shard_of(key) == "low" for key in sent) == 500
    assert desk.requests.cut(NOW) is None


def test_a_trickle_waits_for_company_but_joins_whoever_goes() -> None:
    desk = Desk(TWO_SHARDS)
    for shard in ("low", "high"):
        desk.paces.of(shard, NOW).take(500, 0)
    desk.offer([*LOW[:400], *HIGH[:400]])
    assert desk.requests.cut(NOW + 0.1) is None
    desk.paces.of("low", NOW + 0.24)._records = 260.0
    request = desk.cut(NOW + 0.24)
    assert sum(TWO_SHARDS.shard_of(key) == "low" for key in keys(request)) == 260
    assert sum(TWO_SHARDS.shard_of(key) == "high" for key in keys(request)) == 235


def test_shards_take_turns_to_be_first_in_a_request() -> None:
    desk = Desk(TWO_SHARDS, RequestLimits(records=100))
    desk.offer([*LOW[:400], *HIGH[:400]])
    first = [TWO_SHARDS.shard_of(keys(desk.cut())[0]) for _ in range(4)]
    assert sorted(first) == ["high", "high", "low", "low"]
