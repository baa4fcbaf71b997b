"""Play deliveries against the fake Kinesis in virtual time: no sockets, no threads, no sleeping."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from random import Random

import msgspec

from airflow_netmera_kinesis.delivery.order_proof import Break
from airflow_netmera_kinesis.delivery.ordering import Entry
from airflow_netmera_kinesis.delivery.outcome import Answered, EntryAnswer, Lost, Outcome, outcome_of_error
from airflow_netmera_kinesis.delivery.request import Request
from airflow_netmera_kinesis.delivery.shard_map import LearnedShardMap, Shard, ShardMap, digest_of
from airflow_netmera_kinesis.record import StagedRecord
from airflow_netmera_kinesis.testing.core import FakeKinesisCore
from airflow_netmera_kinesis.testing.refusal import ConnectionDropped, Refused

READ_TIMEOUT_SECONDS = 30.0
Place = tuple[int, int, int]


class Clock:
    """A clock that only moves when somebody waits."""

    def __init__(self, now: float = 1_790_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def wait(self, until: float) -> None:
        """Let it be so late, unless it is later already."""
        self.now = max(self.now, until)


class Killed(BaseException):
    """The sending process dies here."""


class SimulatedTransport:
    """Requests reach the fake after a while, in any order, and their answers take another while."""

    def __init__(
        self,
        core: FakeKinesisCore,
        clock: Clock,
        stream: str,
        rng: Random,
        *,
        lists: bool = True,
        wait: Callable[[float], None] | None = None,
    ) -> None:
        self._core = core
        self._clock = clock
        self._wait = wait or clock.wait
        self._stream = stream
        self._rng = rng
        self._lists = lists
        self._under_way: list[tuple[float, int, Request]] = []
        self._answers: list[tuple[float, int, Request, Outcome]] = []
        self._numbers = itertools.count()
        self._orphans: set[int] = set()
        self.renewals = 0
        self.sent: list[Request] = []
        self.access_key = "old"

    def send(self, request: Request) -> None:
        self.sent.append(request)
        self._start(request)

    def orphan(self, requests: list[Request]) -> None:
        """Let requests of a sender that was killed go on to Kinesis; nobody waits for their answers."""
        for request in requests:
            self._orphans.add(id(request))
            self._start(request)

    def abandon(self) -> tuple[list[Request], list[Request]]:
        """Give the requests that have not reached the fake yet: this sender's own, and those of earlier ones."""
        under_way = [request for _, _, request in self._under_way]
        own = [request for request in under_way if id(request) not in self._orphans]
        return own, [request for request in under_way if id(request) in self._orphans]

    def _start(self, request: Request) -> None:
        at = self._clock.now + self._rng.uniform(0.001, 0.02)
        heapq.heappush(self._under_way, (at, next(self._numbers), request))

    def receive(self, timeout: float) -> tuple[Request, Outcome] | None:
        until = self._clock.now + timeout
        while True:
            arrival = self._under_way[0][0] if self._under_way else float("inf")
            answer = self._answers[0][0] if self._answers else float("inf")
            self._wait(min(until, arrival, answer))
            if arrival <= min(until, answer):
                self._arrive()
            elif answer <= until:
                _, _, request, outcome = heapq.heappop(self._answers)
                return request, outcome
            else:
                return None

    def _arrive(self) -> None:
        """Let the next request reach the fake."""
        _, number, request = heapq.heappop(self._under_way)
        delay, outcome = self._put(request)
        if id(request) not in self._orphans:
            heapq.heappush(self._answers, (self._clock.now + delay, number, request, outcome))

    def renew(self) -> None:
        self.renewals += 1
        self.access_key = "new"

    def shards(self) -> ShardMap:
        return list_shards(self._core, self._stream) if self._lists else LearnedShardMap()

    def _put(self, request: Request) -> tuple[float, Outcome]:
        records = [{"Data": entry.data, "PartitionKey": entry.key} for entry in request.entries]
        answer = self._core.answer("PutRecords", {"StreamName": self._stream, "Records": records}, self.access_key)
        delay = answer.delay + self._rng.uniform(0.001, 0.02)
        if delay > READ_TIMEOUT_SECONDS:
            return READ_TIMEOUT_SECONDS, Lost("ReadTimeoutError", "")
        if isinstance(answer.failure, ConnectionDropped):
            return delay, Lost("ConnectionClosedError", "")
        if isinstance(answer.failure, Refused):
            return delay, outcome_of_error(answer.failure.code, answer.failure.message, answer.failure.status)
        return delay, Answered([msgspec.convert(entry, EntryAnswer) for entry in answer.body["Records"]])


class BookJournal:
    """Keeps in memory what a ledger keeps on disk: it survives the sender, not the test."""

    def __init__(self, dies: Callable[[], bool] = lambda: False) -> None:
        self.settled: set[Place] = set()
        self.receipts: list[tuple[Entry, EntryAnswer]] = []
        self.losses = 0
        self.lost: set[Place] = set()
        self.dead: list[tuple[Entry, str]] = []
        self.breaks: list[Break] = []
        self.dies = dies

    def delivered(self, receipts: list[tuple[Entry, EntryAnswer]]) -> None:
        if self.dies():
            raise Killed
        self.receipts.extend(receipts)
        for entry, _ in receipts:
            self._settle(entry)

    def unknown(self, entries: list[Entry]) -> None:
        self.losses += sum(len(entry.records) for entry in entries)
        self.lost.update(place(record) for entry in entries for record in entry.records)

    def refused(self, entry: Entry, code: str, message: str) -> None:
        self.dead.append((entry, code))
        self._settle(entry)

    def broken(self, entry: Entry, contradiction: Break) -> None:
        self.breaks.append(contradiction)

    def _settle(self, entry: Entry) -> None:
        for record in entry.records:
            assert place(record) not in self.settled, "a record was settled twice"
            self.settled.add(place(record))


class MemorySpill:
    """A spill without a disk."""

    def __init__(self) -> None:
        self.records: dict[str, list[StagedRecord]] = {}
        self.pushed = 0

    def push(self, record: StagedRecord) -> None:
        self.pushed += 1
        self.records.setdefault(record.key, []).append(record)

    def pull(self, key: str, records: int, size: int) -> list[StagedRecord]:
        waiting = self.records.get(key, [])
        taken, self.records[key] = waiting[:records], waiting[records:]
        return taken


def place(record: StagedRecord) -> Place:
    return record.file, record.line, record.hook


def list_shards(core: FakeKinesisCore, stream: str) -> ShardMap:
    body = core.handle("ListShards", {"StreamName": stream, "ShardFilter": {"Type": "AT_LATEST"}}, "new")
    return ShardMap(
        Shard(
            shard["ShardId"],
            int(shard["HashKeyRange"]["StartingHashKey"]),
            int(shard["HashKeyRange"]["EndingHashKey"]),
            tuple(shard[parent] for parent in ("ParentShardId", "AdjacentParentShardId") if parent in shard),
        )
        for shard in body["Shards"]
    )


def make_entry(*records: StagedRecord, data: bytes | None = None, size: int | None = None) -> Entry:
    """One entry with all that its records say, or with other data, or as if it were larger."""
    key = records[0].key.encode("utf-8", "surrogatepass")
    data = b"".join(record.payload for record in records) if data is None else data
    return Entry(records[0].key, data, len(data) + len(key) if size is None else size, records, digest_of(key))


def make_record(line: int, user: str, size: int = 40) -> StagedRecord:
    payload = f'{{"hookName":"purchases","eventId":"e{line}"}}'.encode()
    return StagedRecord(0, line, 0, user, payload.ljust(size), f"e{line}", None)
