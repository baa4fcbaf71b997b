"""Deliver a stream's records: send, judge each entry by its own answer, write it down, then let its key go on.

The loop owns all state and runs in one thread; requests are carried out by the transport. Clock, transport, journal and
chance come in as arguments, so that every fault can be played without a network and without sleeping.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from random import Random
from typing import Protocol

import msgspec

from airflow_netmera_kinesis.errors import (
    DeliveryError,
    NetmeraKinesisError,
    OrderBroken,
    QuotaExceeded,
    StreamRefused,
    StreamStalled,
)
from airflow_netmera_kinesis.order_proof import Break, Lineage, OrderProof
from airflow_netmera_kinesis.ordering import Entry, Lanes, Packer, Spill, one_by_one, size_of
from airflow_netmera_kinesis.outcome import (
    Answered,
    EntryAnswer,
    Faulty,
    Lost,
    Outcome,
    Refused,
    Throttled,
    Verdict,
)
from airflow_netmera_kinesis.pacing import Paces, full_jitter
from airflow_netmera_kinesis.put_units import Saving
from airflow_netmera_kinesis.record import StagedRecord
from airflow_netmera_kinesis.request import Request, RequestLimits, Requests
from airflow_netmera_kinesis.shard_map import ANY_SHARD, ShardMap

DEFAULT_CONCURRENCY = 8
STALL_TIMEOUT_SECONDS = 15 * 60.0
# Reading stops when this many requests could be filled: what was read long ago has left the processor's cache. Where
# the shards' paces hold requests back it stops at as many per line, unless a shard has nothing to do; then it goes on
# up to READ_AHEAD_RECORDS, so that the others are busy while one of them is behind.
READY_REQUESTS = 2
READ_AHEAD_RECORDS = 50_000
READ_AHEAD_BYTES = 48 * 1024 * 1024
# A turn of the loop reads as many as a request takes, then looks for answers.
READ_CHUNK = 500
# Disk is a bound too: beyond this, reading waits for the hot keys.
SPILLED_RECORDS = 5_000_000
RELOAD_PAUSE_SECONDS = 1.0
SHORTEST_WAIT_SECONDS = 0.001
LONGEST_WAIT_SECONDS = 1.0
# "Rate exceeded for shard shardId-000000000007 in stream … under account …"
SHARD_IN_MESSAGE = re.compile(r"shardId-\d{12}")


class Transport(Protocol):
    """Carries requests to Kinesis, several at a time, and brings their outcomes back in any order."""

    def send(self, request: Request) -> None:
        """Start a request."""

    def receive(self, timeout: float) -> tuple[Request, Outcome] | None:
        """The next outcome, or None after ``timeout`` seconds."""

    def renew(self) -> None:
        """Read the credentials again."""

    def shards(self) -> ShardMap:
        """The stream's open shards, or a map that learns where they may not be listed.

        :raises StreamRefused: the stream cannot be asked now
        """


class Journal(Protocol):
    """Writes down what became of records; a key goes on only after its call has returned."""

    def delivered(self, receipts: list[tuple[Entry, EntryAnswer]]) -> None:
        """These entries are stored."""

    def unknown(self, entries: list[Entry]) -> None:
        """The answer to these was lost: perhaps stored, and sent again."""

    def refused(self, entry: Entry, code: str, message: str) -> None:
        """Kinesis will never take this entry.

        :raises QuotaExceeded: written down, and more than is allowed
        """

    def broken(self, entry: Entry, contradiction: Break) -> None:
        """The receipts of this entry's key contradict its order."""


class DeliveryCounts(msgspec.Struct):
    """What a delivery did: in firings what was delivered, refused or unknown; in entries what was rejected or sent."""

    delivered: int = 0
    refused: int = 0
    rejected: int = 0
    unknown: int = 0
    requests: int = 0
    entries: int = 0
    size: int = 0
    saving: Saving = msgspec.field(default_factory=Saving)


class DeliverySettings(msgspec.Struct, frozen=True):
    """How to deliver: what the operator's arguments and the stream's own state say."""

    stream: str
    limits: RequestLimits = RequestLimits()
    concurrency: int = DEFAULT_CONCURRENCY
    stall_timeout: float = STALL_TIMEOUT_SECONDS
    elastic: bool = False
    ordered: bool = True


class Delivery:
    """One stream's records on their way, from the first to the last."""

    def __init__(
        self,
        settings: DeliverySettings,
        transport: Transport,
        journal: Journal,
        spill: Spill,
        *,
        clock: Callable[[], float],
        rng: Random,
        packer: Packer = one_by_one,
        shares: Callable[[ShardMap], dict[str, float]] = lambda shards: {},
        stopped: Callable[[], bool] = lambda: False,
        tick: Callable[[Delivery], None] = lambda delivery: None,
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._journal = journal
        self._clock = clock
        self._rng = rng
        self._shares = shares
        self._stopped = stopped
        self._tick = tick
        self.counts = DeliveryCounts()
        self.rejections: Counter[str] = Counter()
        self._obstacles: Counter[str] = Counter()
        self.lineage = Lineage()
        self._proof: OrderProof[str] = OrderProof(self.lineage)
        self._paces = Paces(elastic=settings.elastic, unlimited=frozenset({ANY_SHARD}), rng=rng)
        self._lanes = Lanes(lambda key: ANY_SHARD, spill, packer)
        self._requests = Requests(self._lanes, self._paces, settings.limits)
        self._in_flight = 0
        self._losses = 0
        self._generation = 0
        self._renewed = False
        self._held_back = False
        self._ending = False
        self._failure: NetmeraKinesisError | None = None
        self._progress = self._loaded = clock()

    @property
    def waiting(self) -> int:
        """Records that were read and are not settled yet, those on their way left out."""
        lanes = self._lanes
        return lanes.ready + lanes.waiting + lanes.spilled + len(lanes.unknown) + self._requests.suspects

    def run(self, source: Iterator[StagedRecord]) -> DeliveryCounts:
        """Deliver everything that ``source`` yields, each key's records in its order.

        :raises StreamStalled: nothing was delivered for the stall timeout.
        :raises StreamRefused: rights, a missing stream, KMS or credentials stand in the way.
        :raises OrderBroken: receipts contradict the order.
        :raises QuotaExceeded: Kinesis refuses more records for good than is allowed.

        ``tick`` is called before each request leaves: the place to look whether it still may.
        """
        self._load_shards()
        more = True
        try:
            while self._failure is None and (more or self._lanes):
                if self._stopped():
                    raise DeliveryError(f"{self._settings.stream}: stopped; what was delivered is in the ledger")
                more = more and self._read(source)
                self._send(hold=more and self._may_read())
                self._receive(0.0 if more and self._may_read() else self._patience())
                self._check_progress()
        finally:
            self._drain()
        if self._failure is not None:
            raise self._failure
        return self.counts

    def share(self) -> None:
        """Ask again how much of each shard is ours: other tasks that write to the stream come and go."""
        self._paces.share(self._shares(self._requests.shards), 1.0)

    def _may_read(self) -> bool:
        lanes = self._lanes
        if lanes.ready_bytes >= READ_AHEAD_BYTES or lanes.spilled >= SPILLED_RECORDS:
            return False
        enough = READY_REQUESTS * self._settings.limits.records
        if not self._held_back:
            return lanes.ready < enough
        if lanes.ready < enough * self._settings.concurrency:
            return True
        return lanes.ready < READ_AHEAD_RECORDS and lanes.idles()

    def _read(self, source: Iterator[StagedRecord]) -> bool:
        """Read a chunk, if there is room for it; return whether there may be more."""
        if not self._may_read():
            return True
        idle = not self._lanes
        count = self._lanes.offer_all(islice(source, READ_CHUNK))
        if idle:
            # While there was nothing to deliver, a source that took its time is no stall.
            self._progress = self._clock()
        return count == READ_CHUNK

    def _send(self, *, hold: bool) -> None:
        """Send what may go. ``hold``: while others are on their way, wait for more to join an unfilled request."""
        while self._in_flight < self._lines():
            now = self._clock()
            if hold and self._in_flight and not self._requests.fills(now):
                return
            request = self._requests.cut(now)
            self._held_back = request is None
            if request is None:
                return
            request.generation = self._generation
            self._tick(self)
            self._in_flight += 1
            self.counts.requests += 1
            self.counts.entries += len(request.entries)
            self._transport.send(request)

    def _lines(self) -> int:
        """How many requests may be on their way: one until anything is known about the shards, to learn from it."""
        return self._settings.concurrency if self._requests.shards else 1

    def _patience(self) -> float:
        """How long the next answer may take before something else is due."""
        due = self._requests.due(self._clock()) if self._in_flight < self._lines() else None
        return LONGEST_WAIT_SECONDS if due is None else max(SHORTEST_WAIT_SECONDS, min(due, LONGEST_WAIT_SECONDS))

    def _receive(self, timeout: float) -> None:
        arrived = self._transport.receive(timeout)
        while arrived is not None:
            self._in_flight -= 1
            self._settle(*arrived)
            arrived = self._transport.receive(0.0) if self._in_flight else None

    def _settle(self, request: Request, outcome: Outcome) -> None:
        now = self._clock()
        if isinstance(outcome, Answered) and len(outcome.entries) == len(request.entries):
            self._settle_each(request, outcome, now)
        elif isinstance(outcome, Throttled):
            self._put_back(request.entries, outcome.code)
            self._pause(now)
        elif isinstance(outcome, Faulty):
            self._search(request.entries, outcome)
        elif isinstance(outcome, Refused):
            self._refuse(request, outcome)
        else:
            code = outcome.code if isinstance(outcome, Lost) else "an answer of another length than the request"
            self._lose(request.entries, code)
            self._pause(now)

    def _settle_each(self, request: Request, answer: Answered, now: float) -> None:
        answered = list(zip(request.entries, answer.entries, strict=True))
        if answer.all_delivered():
            self._deliver(answered, now)
        else:
            self._settle_apart(answered, now)

    def _settle_apart(self, answered: list[tuple[Entry, EntryAnswer]], now: float) -> None:
        told: dict[Verdict, list[tuple[Entry, EntryAnswer]]] = {verdict: [] for verdict in Verdict}
        for entry, said in answered:
            told[said.verdict()].append((entry, said))
        # What is stored comes first: whatever stops the delivery, the journal has to know of it.
        if delivered := told[Verdict.DELIVERED]:
            self._deliver(delivered, now)
        if rejected := told[Verdict.REJECTED]:
            self._reject(rejected, now)
        if lost := told[Verdict.UNKNOWN]:
            self._lose([entry for entry, _ in lost], "InternalFailure")
            if not delivered:
                self._pause(now)
        for entry, said in told[Verdict.PERMANENT]:
            self._set_aside(entry, said.ErrorCode or "", said.ErrorMessage or "")

    def _deliver(self, delivered: list[tuple[Entry, EntryAnswer]], now: float) -> None:
        """Write down first, let the keys go on second."""
        self._journal.delivered(delivered)
        keys = [entry.key for entry, _ in delivered]
        shards = [said.ShardId or "" for _, said in delivered]
        self._accept_shards(keys, shards, now)
        if self._settings.ordered:
            sequences = [said.SequenceNumber or "" for _, said in delivered]
            for place, contradiction in self._proof.check_all(keys, shards, sequences):
                self._break(delivered[place][0], contradiction)
        self._lanes.release_all(keys)
        self._count([entry for entry, _ in delivered])
        self._progress = now
        self._losses = 0
        self._renewed = False
        self._obstacles.clear()

    def _count(self, delivered: list[Entry]) -> None:
        counts = self.counts
        counts.size += sum([entry.size for entry in delivered])
        firings = sum([len(entry.records) for entry in delivered])
        counts.delivered += firings
        if firings > len(delivered):
            for entry in delivered:
                if len(entry.records) > 1:
                    counts.saving.add(entry.size, map(size_of, entry.records))

    def _reject(self, rejected: list[tuple[Entry, EntryAnswer]], now: float) -> None:
        """Each goes again when its shard may be written; a message that names the shard also tells where it is."""
        named = {entry.key: SHARD_IN_MESSAGE.search(said.ErrorMessage or "") for entry, said in rejected}
        self._follow_shards({key: found.group() for key, found in named.items() if found}, now)
        for entry, said in rejected:
            found = named[entry.key]
            shard = found.group() if found else self._requests.shards.shard_of(entry.key)
            self._note_rejection(f"{said.ErrorCode} on {shard}", 1)
            self.rejections[shard] += 1
            self._paces.reject(shard, now)
            self._lanes.put_back(entry)

    def _put_back(self, entries: list[Entry], code: str) -> None:
        self._note_rejection(f"{code} for whole requests", len(entries))
        for entry in entries:
            self._lanes.put_back(entry)

    def _note_rejection(self, obstacle: str, count: int) -> None:
        self.counts.rejected += count
        self._obstacles[obstacle] += count

    def _lose(self, entries: list[Entry], code: str) -> None:
        self._obstacles[f"{code} (perhaps stored)"] += len(entries)
        self.counts.unknown += sum(len(entry.records) for entry in entries)
        self._journal.unknown(entries)
        for entry in entries:
            self._lanes.put_first(entry)

    def _pause(self, now: float) -> None:
        """A trouble of the whole stream: everybody waits, longer each time until something is delivered."""
        self._requests.not_before = max(self._requests.not_before, now + full_jitter(self._rng, self._losses))
        self._losses += 1

    def _search(self, entries: list[Entry], outcome: Faulty) -> None:
        """Find the entry that makes a whole request unacceptable: Kinesis names it, or halves are sent apart."""
        if outcome.position is not None and outcome.position < len(entries):
            guilty = entries[outcome.position]
            self._set_aside(guilty, outcome.code, outcome.message)
            for entry in entries:
                if entry is not guilty:
                    self._lanes.put_back(entry)
        elif len(entries) == 1:
            self._set_aside(entries[0], outcome.code, outcome.message)
        else:
            middle = len(entries) // 2
            self._requests.suspect(entries[:middle])
            self._requests.suspect(entries[middle:])

    def _refuse(self, request: Request, outcome: Refused) -> None:
        self._put_back(request.entries, outcome.code)
        if self._ending or (outcome.credentials and request.generation < self._generation):
            return
        if outcome.credentials and not self._renewed:
            self._renewed = True
            self._generation += 1
            self._transport.renew()
            return
        self._failure = self._failure or StreamRefused(
            f"stream {self._settings.stream}: Kinesis refuses with {outcome.code}: {outcome.message}"
        )

    def _set_aside(self, entry: Entry, code: str, message: str) -> None:
        try:
            self._journal.refused(entry, code, message)
        except QuotaExceeded as too_many:
            self._failure = self._failure or too_many
        self.counts.refused += len(entry.records)
        self._lanes.release(entry.key)

    def _break(self, entry: Entry, contradiction: Break) -> None:
        self._journal.broken(entry, contradiction)
        self._failure = OrderBroken(
            f"stream {self._settings.stream}: {contradiction.reason}: "
            f"shard {contradiction.earlier[0]} at {contradiction.earlier[1]}, "
            f"then shard {contradiction.later[0]} at {contradiction.later[1]}"
        )

    def _check_progress(self) -> None:
        now = self._clock()
        if not self._in_flight and not self.waiting and not self._lanes.unknown and not self._requests.suspects:
            self._progress = now
        elif now - self._progress > self._settings.stall_timeout and self._failure is None:
            obstacles = ", ".join(f"{what}: {count}" for what, count in self._obstacles.most_common(8))
            self._failure = StreamStalled(
                f"stream {self._settings.stream}: nothing was delivered for {self._settings.stall_timeout:.0f} s; "
                f"in the way stood {obstacles or 'no answer at all'}. "
                "What was delivered is in the ledger: run the task again to go on from there"
            )

    def _drain(self) -> None:
        """Wait for the answers that are still due, so that the ledger knows what was stored."""
        self._ending = True
        while self._in_flight:
            arrived = self._transport.receive(LONGEST_WAIT_SECONDS)
            if arrived is not None:
                self._in_flight -= 1
                self._settle(*arrived)

    def _load_shards(self) -> None:
        self._loaded = self._clock()
        shards = self._transport.shards()
        self._requests.shards = shards
        self.lineage.learn({shard.shard_id: shard.parents for shard in shards.shards})
        self.share()
        self._lanes.resort(shards.shard_of)

    def _accept_shards(self, keys: list[str], shards: list[str], now: float) -> None:
        for shard in set(shards):
            self._paces.of(shard, now).accept()
        self._follow_shards(dict(zip(keys, shards, strict=True)), now)

    def _follow_shards(self, places: dict[str, str], now: float) -> None:
        """Learn from where keys are: a shard that the map does not know means that the stream was resharded."""
        shards = self._requests.shards
        if not shards.known:
            changes = [shards.learn(key, shard) for key, shard in places.items()]
            if any(changes):
                self._lanes.resort(shards.shard_of)
        elif not shards.known.issuperset(places.values()) and now - self._loaded >= RELOAD_PAUSE_SECONDS:
            # The old map still tells who may be sent what; the next answer asks for the new one again.
            with suppress(StreamRefused):
                self._load_shards()
