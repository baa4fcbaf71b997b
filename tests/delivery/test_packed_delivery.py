"""With packing, too, delivery keeps every user's order and loses nothing, and strict order costs next to nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from play import STREAM, Play, people
from simulation import Killed, MemorySpill, SimulatedTransport, make_record, place

from airflow_netmera_kinesis.delivery import ordering
from airflow_netmera_kinesis.delivery.gathering import gather
from airflow_netmera_kinesis.delivery.loop import Delivery, DeliverySettings
from airflow_netmera_kinesis.delivery.ordering import one_by_one
from airflow_netmera_kinesis.delivery.packing import MAX_PACKED_BYTES, packer_of
from airflow_netmera_kinesis.delivery.request import RequestLimits
from airflow_netmera_kinesis.netmera.hook_definition import Packing
from airflow_netmera_kinesis.record import StagedRecord
from airflow_netmera_kinesis.testing import Faults, ShardQuota
from airflow_netmera_kinesis.testing.faults import Misfortune, RecordFate

PACKINGS = pytest.mark.parametrize("packing", [Packing.NDJSON, Packing.KPL])
LATENCY_SECONDS = 0.025


class PackedPlay(Play):
    """A play whose sender packs, perhaps always."""

    def __init__(self, records: list[StagedRecord], packing: Packing = Packing.NDJSON, **options: Any) -> None:
        self.packing = packing
        self.always = options.pop("always", False)
        self.limit = options.pop("limit", MAX_PACKED_BYTES)
        super().__init__(records, **options)

    def prepare(self, **changes: Any) -> Delivery:
        asked = DeliverySettings(**{"stream": STREAM, **changes})
        packer = packer_of(self.packing, self.limit)
        return Delivery(
            asked, self.transport, self.journal, self.spill, clock=self.clock, rng=self.rng, packer=packer
        )  # fmt: skip

    def run(self) -> None:
        rest = [record for record in self.records if place(record) not in self.journal.settled]
        self.delivery.run(gather(rest) if self.always else iter(rest))

    def sent(self) -> Iterator[list[int]]:
        """The lines of each record that was sent."""
        for request in self.transport.sent:
            for entry in request.entries:
                yield [record.line for record in entry.records]


def zipf(count: int, users: int, size: int = 40) -> list[StagedRecord]:
    weights = [1 / rank for rank in range(1, users + 1)]
    chosen = Random(7).choices(range(users), weights, k=count)
    return [make_record(line, f"user-{user}", size) for line, user in enumerate(chosen, start=1)]


@PACKINGS
@pytest.mark.parametrize("always", [False, True])
def test_everything_arrives_once_and_each_user_in_order(packing: Packing, always: bool) -> None:
    play = PackedPlay(people(3_000, users=40), packing, always=always)
    play.run()
    verdict = play.judge()
    assert verdict.clean
    assert (verdict.arrived, verdict.duplicates) == (3_000, 0)
    assert play.delivery.counts.delivered == 3_000
    assert play.delivery.counts.entries < 300


@PACKINGS
def test_a_rejected_record_is_sent_again_with_the_same_events(packing: Packing) -> None:
    play = PackedPlay([make_record(line, "ayşe") for line in range(1, 6)], packing)
    play.core.inject({0: RecordFate.REJECTED}, Misfortune.DROPPED_BEFORE, Misfortune.ERROR_503_AFTER)
    play.run()
    first, *others = [entry.data for request in play.transport.sent for entry in request.entries]
    assert list(play.sent()) == [[1, 2, 3, 4, 5]] * 4
    assert others == [first] * 3
    assert play.delivery.counts.unknown == play.journal.losses == 10
    assert play.judge().duplicates == 5


@PACKINGS
def test_a_record_that_is_refused_for_good_is_dead_with_all_its_events_and_the_user_goes_on(packing: Packing) -> None:
    play = PackedPlay([make_record(line, "ayşe") for line in range(1, 4_001)], packing)
    play.core.inject({0: RecordFate.UNHEARD_OF})
    play.run()
    [(entry, _)] = play.journal.dead
    assert [record.line for record in entry.records] == list(range(1, len(entry.records) + 1))
    assert 1 < len(entry.records) == play.delivery.counts.refused < 4_000
    assert play.judge().clean


def test_a_record_never_takes_more_than_a_request_may() -> None:
    play = PackedPlay([make_record(line, "ayşe") for line in range(1, 101)], limit=1_000)
    play.delivery = play.prepare(limits=RequestLimits(size=1_000))
    play.run()
    assert {request.size for request in play.transport.sent} <= set(range(42, 1_001))
    assert len(play.transport.sent) == 5
    assert play.judge().clean


def test_what_was_spilled_is_packed_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordering, "WAITING_RECORDS", 50)
    play = PackedPlay([make_record(line, "hot") for line in range(1, 1_001)])
    play.run()
    assert play.spill.pushed > 800
    assert play.delivery.counts.entries < 20
    assert play.judge().clean


def test_to_pack_always_also_joins_what_nobody_waits_for() -> None:
    rng = Random(3)
    events = [make_record(line, f"user-{rng.randrange(2_000)}", 600) for line in range(1, 20_001)]
    waiting, always = PackedPlay(events, shards=50), PackedPlay(events, shards=50, always=True)
    for play in (waiting, always):
        play.run()
        assert play.judge().clean
    saved = always.delivery.counts.saving
    assert always.delivery.counts.entries < 0.6 * waiting.delivery.counts.entries
    assert saved.units == 20_000 - always.delivery.counts.entries > waiting.delivery.counts.saving.units
    assert saved.gigabytes > 0


def test_a_hot_user_fills_his_shard_and_hardly_anything_is_rejected() -> None:
    play = PackedPlay(zipf(40_000, users=200, size=630), shards=2, quota=ShardQuota())
    began = play.clock.now
    play.run()
    counts = play.delivery.counts
    assert counts.size / (play.clock.now - began) > 0.85 * 2_000_000
    assert counts.rejected < 0.02 * counts.entries
    assert play.judge().clean


class HalfTheLatency(Random):
    def uniform(self, a: float, b: float) -> float:
        return LATENCY_SECONDS / 2


class SteadyTransport(SimulatedTransport):
    """Every request takes the same time."""

    def __init__(self, play: Play) -> None:
        super().__init__(play.core, play.clock, STREAM, HalfTheLatency())


def seconds_to_send(records: list[StagedRecord], packing: Packing) -> float:
    play = PackedPlay(records, packing, shards=4, quota=ShardQuota())
    play.transport = SteadyTransport(play)
    play.delivery = play.prepare()
    began = play.clock.now
    play.run()
    assert play.judge().clean
    return play.clock.now - began


@PACKINGS
def test_strict_order_keeps_four_fifths_of_the_throughput_that_no_order_would_have(packing: Packing) -> None:
    events = zipf(20_000, users=200, size=630)
    strangers = [msgspec.structs.replace(record, key=f"nobody-{record.line}") for record in events]
    assert seconds_to_send(strangers, Packing.NONE) / seconds_to_send(events, packing) >= 0.8


FAULTS = st.builds(
    Faults,
    rejected=st.sampled_from([0.0, 0.05, 0.4]),
    internal_failure_stored=st.sampled_from([0.0, 0.05]),
    unheard_of=st.sampled_from([0.0, 0.05]),
    throttled=st.sampled_from([0.0, 0.1]),
    error_500_before=st.sampled_from([0.0, 0.1]),
    dropped_after=st.sampled_from([0.0, 0.2]),
    zombie=st.sampled_from([0.0, 0.1]),
    resharded=st.sampled_from([0.0, 0.1]),
    shuffled=st.booleans(),
)


def dying_after(answers: int) -> Callable[[], bool]:
    countdown = iter(range(answers))
    return lambda: next(countdown, None) is None


@settings(max_examples=60, deadline=None)
@given(
    users=st.lists(st.sampled_from(["ayşe", "mehmet", "zeynep", "can", "u1", "u2", "u3"]), max_size=120),
    faults=FAULTS,
    packing=st.sampled_from([Packing.NDJSON, Packing.KPL]),
    always=st.booleans(),
    limit=st.sampled_from([130, 1_000, MAX_PACKED_BYTES]),
    shards=st.integers(1, 4),
    lists=st.booleans(),
    kills=st.lists(st.integers(1, 6), max_size=3),
    seed=st.integers(0, 2**16),
)
def test_nothing_is_lost_or_reordered_whatever_happens(
    users: list[str], faults: Faults, kills: list[int], **options: Any
) -> None:
    records = [make_record(line, user) for line, user in enumerate(users, start=1)]
    play = PackedPlay(records, faults=faults, **options)
    unsettled: list[StagedRecord] = []
    for answers in kills:
        play.journal.dies = dying_after(answers)
        play.delivery = play.prepare()
        transport = play.transport
        try:
            play.run()
            break
        except Killed:
            unsettled += [record for request in transport.sent for entry in request.entries for record in entry.records]
            play.transport, play.spill = play.connect(), MemorySpill()
    play.journal.dies = lambda: False
    play.again()
    play.core.store_zombies()
    verdict = play.judge()
    assert not verdict.lost
    assert not verdict.order_breaks
    perhaps = play.journal.lost | {place(record) for record in unsettled}
    assert {event_id for _, (_, event_id) in verdict.strange} <= {f"e{line}" for _, line, _ in perhaps}
    assert not play.journal.breaks
    assert {place(record) for record in play.records} == play.journal.settled
    assert verdict.duplicates <= play.journal.losses + len(unsettled)


def test_a_stream_without_packing_is_sent_as_before() -> None:
    assert packer_of(Packing.NONE, MAX_PACKED_BYTES) is one_by_one
