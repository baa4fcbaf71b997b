"""One stream, one sender and what both wrote down, played in virtual time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from random import Random
from typing import Any

from simulation import BookJournal, Clock, MemorySpill, SimulatedTransport, make_record, place

from airflow_netmera_kinesis.delivery.loop import Delivery, DeliverySettings
from airflow_netmera_kinesis.record import StagedRecord
from airflow_netmera_kinesis.testing import FakeKinesisCore

STREAM = "netmera-purchases"


class Play:
    """One stream, one sender, and what both wrote down."""

    def __init__(self, records: Iterable[StagedRecord], shards: int = 2, seed: int = 1, **options: Any) -> None:
        self.records = list(records)
        self.clock = Clock()
        self.lists = options.pop("lists", True)
        self.core = FakeKinesisCore({STREAM: shards}, clock=self.clock, seed=seed, **options)
        self.rng = Random(seed)
        self.journal = BookJournal()
        self.spill = MemorySpill()
        self.transport = self.connect()
        self.delivery = self.prepare()

    def connect(self) -> SimulatedTransport:
        return SimulatedTransport(self.core, self.clock, STREAM, self.rng, lists=self.lists)

    def prepare(self, **changes: Any) -> Delivery:
        tick = changes.pop("tick", lambda delivery: None)
        asked: dict[str, Any] = {"stream": STREAM, **changes}
        return Delivery(
            DeliverySettings(**asked),
            self.transport,
            self.journal,
            self.spill,
            clock=self.clock,
            rng=self.rng,
            tick=tick,
        )

    def run(self) -> None:
        rest = [record for record in self.records if place(record) not in self.journal.settled]
        self.delivery.run(iter(rest))

    def again(self) -> None:
        """Start a new sender, as Airflow does after a failed try."""
        self.transport, self.spill = self.connect(), MemorySpill()
        self.delivery = self.prepare()
        self.run()

    def judge(self) -> Any:
        expected: dict[str, list[Any]] = defaultdict(list)
        dead = {place(record) for entry, _ in self.journal.dead for record in entry.records}
        for record in self.records:
            if place(record) not in dead:
                expected[record.key].append(("purchases", record.event_id))
        return self.core.books.judge_order(STREAM, expected)


def people(count: int, users: int, seed: int = 3) -> list[StagedRecord]:
    rng = Random(seed)
    return [make_record(line, f"user-{min(int(rng.expovariate(0.3)), users - 1)}") for line in range(1, count + 1)]
