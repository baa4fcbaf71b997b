"""Whatever Kinesis answers and whenever the sender dies: nothing is lost, first occurrences are in order, counts agree.

NETMERA_KINESIS_EXAMPLES says how many plays are tried.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from simulation import (
    BookJournal,
    Clock,
    Killed,
    MemorySpill,
    SimulatedTransport,
    make_record,
    place,
)

from airflow_netmera_kinesis.delivery import ordering
from airflow_netmera_kinesis.delivery.gathering import gather
from airflow_netmera_kinesis.delivery.loop import Delivery, DeliverySettings
from airflow_netmera_kinesis.delivery.ordering import Entry
from airflow_netmera_kinesis.delivery.outcome import EntryAnswer
from airflow_netmera_kinesis.delivery.packing import packer_of
from airflow_netmera_kinesis.delivery.request import Request, RequestLimits
from airflow_netmera_kinesis.delivery.shard_map import ShardMap
from airflow_netmera_kinesis.errors import DeliveryError, LeaseTaken, StreamRefused
from airflow_netmera_kinesis.netmera.hook_definition import Packing
from airflow_netmera_kinesis.testing import FakeKinesisCore, Faults, Oversize, ShardQuota, event_ids

STREAM = "netmera-purchases"
EXAMPLES = int(os.environ.get("NETMERA_KINESIS_EXAMPLES", "150"))
Place = tuple[int, int, int]


class End(msgspec.Struct, frozen=True):
    """How one try ends before its time: at which moment, and what of the ledger goes with it."""

    kind: str
    moment: int
    unflushed: int = 0


class Fate:
    """Counts the moments of one try at which it may end: calls of the journal, of the transport, of the lease."""

    def __init__(self, end: End | None) -> None:
        self._end = end
        self._left = end.moment if end else 0

    def moment(self, *, before_a_request: bool = False) -> None:
        self._left -= 1
        if self._end is None or self._left >= 0:
            return
        if self._end.kind == "killed":
            raise Killed
        if before_a_request and self._end.kind == "lease lost":
            raise LeaseTaken("somebody else holds the lease")

    def stopped(self) -> bool:
        return self._end is not None and self._end.kind == "stopped" and self._left < 0


class LazyJournal(BookJournal):
    """A ledger in object storage, where a killed sender takes answers with it that were not flushed."""

    def __init__(self) -> None:
        super().__init__()
        self.fate = Fate(None)
        self.told_unknown: Counter[Place] = Counter()
        self._unflushed: list[set[Place]] = []

    def delivered(self, receipts: list[tuple[Entry, EntryAnswer]]) -> None:
        self.fate.moment()
        super().delivered(receipts)
        self._unflushed.append({place(record) for entry, _ in receipts for record in entry.records})
        self.fate.moment()

    def unknown(self, entries: list[Entry]) -> None:
        self.fate.moment()
        super().unknown(entries)
        self.told_unknown.update(place(record) for entry in entries for record in entry.records)
        self.fate.moment()

    def refused(self, entry: Entry, code: str, message: str) -> None:
        self.fate.moment()
        super().refused(entry, code, message)
        self._unflushed.clear()  # a dead letter is stored before anything goes on
        self.fate.moment()

    def close(self) -> None:
        self._unflushed.clear()

    def forget(self, answers: int) -> None:
        """Lose the last answers that were not flushed."""
        for _ in range(min(answers, len(self._unflushed))):
            self.settled -= self._unflushed.pop()
        self._unflushed.clear()


class FatedTransport(SimulatedTransport):
    """A transport whose process may die at any call, and whose listings fail at times."""

    def __init__(self, *args: Any, fate: Fate, unlisted: float, **options: Any) -> None:
        super().__init__(*args, **options)
        self._fate = fate
        self._unlisted = unlisted
        self._listings = 0

    def send(self, request: Request) -> None:
        self._fate.moment()
        super().send(request)
        self._fate.moment()

    def receive(self, timeout: float) -> Any:
        self._fate.moment()
        return super().receive(timeout)

    def shards(self) -> ShardMap:
        self._listings += 1
        if self._listings > 1 and self._rng.random() < self._unlisted:
            raise StreamRefused(f"stream {STREAM}: ListShards was refused with LimitExceededException")
        return super().shards()


class Plot(msgspec.Struct, frozen=True):
    """All that differs between two plays."""

    count: int
    users: int
    oversized: frozenset[int]
    faults: Faults
    quota: ShardQuota | None
    shards: int
    lists: bool
    unlisted: float
    limits: RequestLimits
    concurrency: int
    waiting: int
    packing: Packing
    pack_always: bool
    ends: list[End]
    seed: int


class Play:
    """One stream, one sender after another, and what Kinesis and the ledger know in the end."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.clock, self.rng = Clock(), Random(plot.seed)
        self.records = [
            make_record(line, self._user(), 1_048_577 if line in plot.oversized else 40)
            for line in range(1, plot.count + 1)
        ]
        self.core = FakeKinesisCore(
            {STREAM: plot.shards}, clock=self.clock, seed=plot.seed, faults=plot.faults, quota=plot.quota
        )
        self.journal = LazyJournal()
        self.orphans: list[Request] = []
        self.sent = 0
        self.in_the_air: Counter[Place] = Counter()
        self.finished: list[Delivery] = []

    def end(self) -> None:
        """Let everything that is still on its way arrive, when all is delivered."""
        transport = SimulatedTransport(self.core, self.clock, STREAM, self.rng)
        transport.orphan(self.orphans)
        transport.receive(60.0)
        self.core.store_zombies()

    def _user(self) -> str:
        """Some users come much more often than others."""
        return f"user-{int(self.plot.users * self.rng.random() ** 3)} ş"

    def run(self) -> None:
        """Try again, as Airflow does, until a try ends well; the last ones meet no faults."""
        for end in [*self.plot.ends, None, None]:
            if self._try(end):
                return
        self.core.faults = Faults()
        assert self._try(None)

    def _try(self, end: End | None) -> bool:
        fate = self.journal.fate = Fate(end)
        transport = FatedTransport(
            self.core, self.clock, STREAM, self.rng, lists=self.plot.lists, fate=fate, unlisted=self.plot.unlisted
        )
        transport.orphan(self.orphans)
        self.orphans = []
        delivery = Delivery(
            DeliverySettings(STREAM, self.plot.limits, self.plot.concurrency),
            transport,
            self.journal,
            MemorySpill(),
            clock=self.clock,
            rng=self.rng,
            packer=packer_of(self.plot.packing, 1_000),
            stopped=fate.stopped,
            tick=lambda delivery: fate.moment(before_a_request=True),
        )
        try:
            unsettled = [record for record in self.records if place(record) not in self.journal.settled]
            delivery.run(gather(unsettled, max_records=30) if self.plot.pack_always else iter(unsettled))
        except Killed:
            self._bury(transport, end)
            return False
        except (DeliveryError, LeaseTaken):
            self._end(transport)
            return False
        finally:
            self.sent += sum(len(request.entries) for request in transport.sent)
            self.finished.append(delivery)
        self._end(transport)
        return True

    def _end(self, transport: SimulatedTransport) -> None:
        self.journal.close()
        own, self.orphans = transport.abandon()
        # What this sender had on its way is settled: nothing hangs in the air.
        assert not own

    def _bury(self, transport: SimulatedTransport, end: End | None) -> None:
        """Some requests of the dead still arrive, and its last answers are forgotten."""
        self.journal.forget(end.unflushed if end else 0)
        own, others = transport.abandon()
        self.orphans = others + [request for request in own if self.rng.random() < 0.5]
        sent = {place(record) for request in transport.sent for entry in request.entries for record in entry.records}
        self.in_the_air.update(sent - self.journal.settled)


def often(*chances: float) -> st.SearchStrategy[float]:
    return st.sampled_from([0.0, *chances])


FAULTS = st.builds(
    Faults,
    rejected=often(0.05, 0.4),
    internal_failure=often(0.05),
    internal_failure_stored=often(0.05),
    unheard_of=often(0.01, 0.1),
    throttled=often(0.1),
    kms_throttled=often(0.05),
    expired_token=often(0.05),
    access_denied=often(0.02),
    kms_denied=often(0.02),
    error_500_before=often(0.05),
    error_500_after=often(0.05),
    error_503_after=often(0.05),
    dropped_before=often(0.05),
    dropped_after=often(0.1),
    zombie=often(0.1),
    slow=often(0.05),
    zombie_seconds=st.sampled_from([(0.0, 0.5), (0.5, 2.0), (20.0, 90.0)]),
    oversize=st.sampled_from(list(Oversize)),
    shuffled=st.booleans(),
    explicit_nulls=st.booleans(),
    miscounted=st.booleans(),
    resharded=often(0.1, 0.5),
)
PLOTS = st.builds(
    Plot,
    count=st.one_of(st.integers(0, 9), st.integers(10, 400)),
    users=st.one_of(st.integers(1, 4), st.integers(1, 200)),
    oversized=st.one_of(st.just(frozenset[int]()), st.frozensets(st.integers(1, 60), max_size=2)),
    faults=FAULTS,
    quota=st.sampled_from([None, ShardQuota(), ShardQuota(records_per_second=20.0, burst_seconds=0.5)]),
    shards=st.integers(1, 4),
    lists=st.booleans(),
    unlisted=often(0.5),
    limits=st.builds(RequestLimits, st.sampled_from([1, 3, 500]), st.sampled_from([200, 5 * 1024 * 1024])),
    concurrency=st.sampled_from([1, 2, 8]),
    waiting=st.sampled_from([1, 10, 50_000]),
    packing=st.sampled_from(Packing),
    pack_always=st.booleans(),
    ends=st.lists(
        st.builds(
            End,
            st.sampled_from(["killed", "killed", "killed", "lease lost", "stopped"]),
            st.integers(0, 120),
            st.integers(0, 4),
        ),
        max_size=4,
    ),
    seed=st.integers(0, 2**16),
)


@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(PLOTS)
def test_nothing_is_lost_or_reordered_whatever_happens(plot: Plot) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ordering, "WAITING_RECORDS", plot.waiting)
        patch.setattr(ordering, "SPILL_CHUNK_RECORDS", 7)
        play = Play(plot)
        play.run()
        play.end()
    dead = {place(record): entry for entry, _ in play.journal.dead for record in entry.records}
    judge_settled(play, dead)
    judge_stream(play, dead)
    judge_copies(play, dead)
    judge_counts(play)


def judge_settled(play: Play, dead: dict[Place, Entry]) -> None:
    """Every record is delivered or a dead letter, and those that can never be stored are dead letters."""
    assert play.journal.settled == {place(record) for record in play.records}
    assert {(0, line, 0) for line in play.plot.oversized if line <= len(play.records)} <= dead.keys()
    assert not play.journal.breaks
    if not play.plot.faults.unheard_of:
        assert {line for _, line, _ in dead} <= play.plot.oversized


def judge_stream(play: Play, dead: dict[Place, Entry]) -> None:
    """Nothing is lost, first occurrences are in order, and nothing is there that should not be."""
    expected: dict[str, list[Any]] = defaultdict(list)
    for record in play.records:
        if place(record) not in dead:
            expected[record.key].append(("purchases", record.event_id))
    verdict = play.core.books.judge_order(STREAM, expected)
    assert not verdict.lost
    assert not verdict.order_breaks
    perhaps = {at for at in dead if play.journal.told_unknown[at] or play.in_the_air[at]}
    assert {identity for _, identity in verdict.strange} <= {("purchases", f"e{line}") for _, line, _ in perhaps}


def judge_copies(play: Play, dead: dict[Place, Entry]) -> None:
    """Each copy but one was sent because its answer was lost, or was in the air when the sender was killed."""
    stored = Counter(identity for record in play.core.books.in_order(STREAM) for identity in event_ids(record.data))
    for record in play.records:
        at = place(record)
        excused = play.journal.told_unknown[at] + play.in_the_air[at]
        assert stored["purchases", record.event_id] <= (at not in dead) + excused


def judge_counts(play: Play) -> None:
    """The sender's counts agree with the fake's books; a try that was killed has counted a little less or more."""
    books = play.core.books.counts(STREAM)
    receipts = play.journal.receipts
    if any(end.kind == "killed" for end in play.plot.ends):
        assert books.stored >= len(receipts)
        return
    assert books.stored == len(receipts) + books.unanswered
    counts = [delivery.counts for delivery in play.finished]
    assert sum(each.entries for each in counts) == play.sent
    assert sum(each.unknown for each in counts) == sum(play.journal.told_unknown.values())
    assert sum(each.delivered for each in counts) == sum(len(entry.records) for entry, _ in receipts)
    assert sum(each.refused for each in counts) == sum(len(entry.records) for entry, _ in play.journal.dead)
    assert sum(each.delivered + each.refused for each in counts) == len(play.records)
