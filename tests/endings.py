"""How a sender's life may end: killed, asked to stop or without its lease, at any moment, and what it takes with it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
from simulation import BookJournal, Killed, Place, SimulatedTransport, place

from airflow_netmera_kinesis.delivery.ordering import Entry
from airflow_netmera_kinesis.delivery.outcome import EntryAnswer
from airflow_netmera_kinesis.delivery.request import Request
from airflow_netmera_kinesis.delivery.shard_map import ShardMap
from airflow_netmera_kinesis.errors import LeaseTaken, StreamRefused


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
            raise StreamRefused("ListShards was refused with LimitExceededException")
        return super().shards()
