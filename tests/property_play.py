"""Play whole deliveries with everything that may happen to them: senders side by side, each one after another."""

from __future__ import annotations

from collections import Counter
from random import Random

import msgspec
from endings import End, Fate, FatedTransport, LazyJournal
from simulation import Clock, Killed, MemorySpill, Place, SimulatedTransport, make_record, place
from turns import Wait, side_by_side

from airflow_netmera_kinesis.delivery.gathering import gather
from airflow_netmera_kinesis.delivery.loop import Delivery, DeliverySettings
from airflow_netmera_kinesis.delivery.ordering import Entry
from airflow_netmera_kinesis.delivery.packing import packer_of
from airflow_netmera_kinesis.delivery.request import Request, RequestLimits
from airflow_netmera_kinesis.delivery.shard_map import ShardMap
from airflow_netmera_kinesis.delivery.sharing import shares_of
from airflow_netmera_kinesis.errors import DeliveryError, LeaseTaken
from airflow_netmera_kinesis.netmera.hook_definition import Packing
from airflow_netmera_kinesis.netmera.partition_key import partition_of
from airflow_netmera_kinesis.record import StagedRecord
from airflow_netmera_kinesis.testing import FakeKinesisCore, Faults, ShardQuota

STREAM = "netmera-purchases"
SHARE_EVERY_SECONDS = 5.0


class Plot(msgspec.Struct, frozen=True):
    """All that differs between two plays."""

    count: int
    users: int
    oversized: frozenset[int] = frozenset()
    faults: Faults = Faults()
    quota: ShardQuota | None = None
    shards: int = 2
    lists: bool = True
    unlisted: float = 0.0
    limits: RequestLimits = RequestLimits()
    concurrency: int = 8
    waiting: int = 50_000
    packing: Packing = Packing.NONE
    pack_always: bool = False
    ends: list[End] = []
    seed: int = 1
    partitions: int = 1


class Sender:
    """The sender of one partition: try after try, and what its ledger knows in the end."""

    def __init__(self, play: Play, partition: int) -> None:
        self._play = play
        self._partition = partition
        plot = play.plot
        self._ends = [*plot.ends[partition :: plot.partitions], None, None]
        self.rng = Random(plot.seed + partition)
        self.records = [r for r in play.records if partition_of(r.key, plot.partitions) == partition]
        self.journal = LazyJournal()
        self.orphans: list[Request] = []
        self.sent = 0
        self.in_the_air: Counter[Place] = Counter()
        self.finished: list[Delivery] = []

    def run(self, wait: Wait) -> None:
        """Try again, as Airflow does, until a try ends well; the last one meets no faults."""
        if not any(self._try(end, wait) for end in self._ends):
            self._play.core.faults = Faults()
            assert self._try(None, wait)

    def _try(self, end: End | None, wait: Wait) -> bool:
        fate, running = Fate(end), self._play.running
        self.journal.fate = fate
        transport = self._connect(fate, wait)
        delivery = self._prepare(transport, fate)
        unsettled = [record for record in self.records if place(record) not in self.journal.settled]
        running.add(self._partition)
        try:
            delivery.run(gather(unsettled, max_records=30) if self._play.plot.pack_always else iter(unsettled))
        except Killed:
            self._bury(transport, end)
            return False
        except (DeliveryError, LeaseTaken):
            self._end(transport)
            return False
        finally:
            running.discard(self._partition)
            self.sent += sum(len(request.entries) for request in transport.sent)
            self.finished.append(delivery)
        self._end(transport)
        return True

    def _connect(self, fate: Fate, wait: Wait) -> SimulatedTransport:
        play = self._play
        transport = FatedTransport(
            play.core, play.clock, STREAM, self.rng,
            lists=play.plot.lists, unlisted=play.plot.unlisted, fate=fate, wait=wait,
        )  # fmt: skip
        transport.orphan(self.orphans)
        self.orphans = []
        return transport

    def _prepare(self, transport: SimulatedTransport, fate: Fate) -> Delivery:
        plot, clock = self._play.plot, self._play.clock
        shared = clock.now

        def tick(delivery: Delivery) -> None:
            nonlocal shared
            fate.moment(before_a_request=True)
            if clock.now - shared > SHARE_EVERY_SECONDS:
                shared = clock.now
                delivery.share()

        return Delivery(
            DeliverySettings(STREAM, plot.limits, plot.concurrency),
            transport,
            self.journal,
            MemorySpill(),
            clock=clock,
            rng=self.rng,
            packer=packer_of(plot.packing, 1_000),
            shares=self._shares,
            stopped=fate.stopped,
            tick=tick,
        )

    def _shares(self, shards: ShardMap) -> dict[str, float]:
        return shares_of(shards, self._play.plot.partitions, {self._partition, *self._play.running})

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


class Play:
    """One stream, the senders of its partitions side by side, and what Kinesis and the ledgers know in the end."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.clock, rng = Clock(), Random(plot.seed)
        # Some users come much more often than others.
        users = [f"user-{int(plot.users * rng.random() ** 3)} ş" for _ in range(plot.count)]
        self.records: list[StagedRecord] = [
            make_record(line, user, 1_048_577 if line in plot.oversized else 40) for line, user in enumerate(users, 1)
        ]
        self.core = FakeKinesisCore(
            {STREAM: plot.shards}, clock=self.clock, seed=plot.seed, faults=plot.faults, quota=plot.quota
        )
        self.running: set[int] = set()
        self.seconds = 0.0
        self.senders = [Sender(self, partition) for partition in range(plot.partitions)]

    def run(self) -> None:
        """Send everything, and let what is still on its way arrive."""
        began = self.clock.now
        side_by_side(self.clock, [sender.run for sender in self.senders])
        self.seconds = self.clock.now - began
        for sender in self.senders:
            transport = SimulatedTransport(self.core, self.clock, STREAM, sender.rng)
            transport.orphan(sender.orphans)
            transport.receive(60.0)
        self.core.store_zombies()

    @property
    def settled(self) -> set[Place]:
        return {at for sender in self.senders for at in sender.journal.settled}

    @property
    def dead(self) -> dict[Place, Entry]:
        dead = (entry for sender in self.senders for entry, _ in sender.journal.dead)
        return {place(record): entry for entry in dead for record in entry.records}

    @property
    def told_unknown(self) -> Counter[Place]:
        return sum((sender.journal.told_unknown for sender in self.senders), Counter[Place]())

    @property
    def in_the_air(self) -> Counter[Place]:
        return sum((sender.in_the_air for sender in self.senders), Counter[Place]())
