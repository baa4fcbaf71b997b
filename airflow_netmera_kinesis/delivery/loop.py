"""Deliver a stream's records: read ahead, send what may go, settle what is answered, until nothing is left.

The loop owns all state and runs in one thread; requests are carried out by the transport. Clock, transport, journal and
chance come in as arguments, so that every fault can be played without a network and without sleeping.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from random import Random

import msgspec

from airflow_netmera_kinesis.delivery.counts import DeliveryCounts
from airflow_netmera_kinesis.delivery.order_proof import Lineage
from airflow_netmera_kinesis.delivery.ordering import Lanes, Packer, Spill, one_by_one
from airflow_netmera_kinesis.delivery.pacing import Paces
from airflow_netmera_kinesis.delivery.request import RequestLimits, Requests
from airflow_netmera_kinesis.delivery.seams import Journal, Transport
from airflow_netmera_kinesis.delivery.settling import Settling
from airflow_netmera_kinesis.delivery.shard_map import ANY_SHARD, ShardMap
from airflow_netmera_kinesis.delivery.shard_watch import ShardWatch
from airflow_netmera_kinesis.errors import DeliveryError, StreamStalled
from airflow_netmera_kinesis.record import StagedRecord

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
SHORTEST_WAIT_SECONDS = 0.001
LONGEST_WAIT_SECONDS = 1.0


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
        self._clock = clock
        self._stopped = stopped
        self._tick = tick
        paces = Paces(elastic=settings.elastic, unlimited=frozenset({ANY_SHARD}), rng=rng)
        self._lanes = lanes = Lanes(lambda digest: ANY_SHARD, spill, packer)
        self._requests = requests = Requests(lanes, paces, settings.limits)
        self._watch = watch = ShardWatch(transport, lanes, requests, paces, shares, clock)
        self._settling = Settling(
            settings.stream,
            transport,
            journal,
            lanes,
            requests,
            paces,
            watch,
            rng,
            clock(),
            ordered=settings.ordered,
        )
        self._in_flight = 0
        self._held_back = False

    @property
    def counts(self) -> DeliveryCounts:
        """What was done so far."""
        return self._settling.counts

    @property
    def rejections(self) -> Counter[str]:
        """How often each shard rejected an entry, or the whole stream did."""
        return self._settling.rejections

    @property
    def lineage(self) -> Lineage:
        """Which shard came from which, as far as it was seen."""
        return self._watch.lineage

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

        ``tick`` is called before each request is handed to the transport, and at least once a second where none may go.
        """
        self._watch.load()
        settling = self._settling
        more = True
        try:
            while settling.failure is None and (more or self._lanes):
                if self._stopped():
                    raise DeliveryError(f"{self._settings.stream}: stopped; what was delivered is in the ledger")
                more = more and self._read(source)
                self._send(hold=more and self._may_read())
                self._receive(0.0 if more and self._may_read() else self._patience())
                self._check_progress()
                self._tick(self)
        finally:
            self._drain()
        if settling.failure is not None:
            raise settling.failure
        return settling.counts

    def share(self) -> None:
        """Ask again how much of each shard is ours: other tasks that write to the stream come and go."""
        self._watch.share()

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
            self._settling.progress = self._clock()
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
            request.generation = self._settling.generation
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
            self._settling.settle(*arrived, self._clock())
            arrived = self._transport.receive(0.0) if self._in_flight else None

    def _check_progress(self) -> None:
        now, settling = self._clock(), self._settling
        if not self._in_flight and not self.waiting:
            settling.progress = now
        elif now - settling.progress > self._settings.stall_timeout and settling.failure is None:
            obstacles = ", ".join(f"{what}: {count}" for what, count in settling.obstacles.most_common(8))
            settling.failure = StreamStalled(
                f"stream {self._settings.stream}: nothing was delivered for {self._settings.stall_timeout:.0f} s; "
                f"in the way stood {obstacles or 'no answer at all'}. "
                "What was delivered is in the ledger: run the task again to go on from there"
            )

    def _drain(self) -> None:
        """Wait for the answers that are still due, so that the ledger knows what was stored."""
        self._settling.ending = True
        while self._in_flight:
            arrived = self._transport.receive(LONGEST_WAIT_SECONDS)
            if arrived is not None:
                self._in_flight -= 1
                self._settling.settle(*arrived, self._clock())
