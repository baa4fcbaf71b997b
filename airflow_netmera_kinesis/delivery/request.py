"""Cut requests that PutRecords accepts out of what may go now: as full as limits, paces and order allow."""

from __future__ import annotations

from collections import deque

import msgspec

from airflow_netmera_kinesis.delivery.ordering import Entry, Lanes, ShardQueue
from airflow_netmera_kinesis.delivery.pacing import Paces
from airflow_netmera_kinesis.delivery.shard_map import LearnedShardMap, ShardMap

# https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
MAX_REQUEST_RECORDS = 500
MAX_REQUEST_BYTES = 10 * 1024 * 1024


class RequestLimits(msgspec.Struct, frozen=True):
    """The size of a request: entries, and bytes with the partition keys."""

    records: int = MAX_REQUEST_RECORDS
    size: int = 5 * 1024 * 1024


class Request(msgspec.Struct, gc=False):
    """One PutRecords call; ``generation`` tells which credentials sign it."""

    entries: list[Entry]
    size: int
    generation: int = 0


class Requests:
    """Where the next request comes from: what was lost first, then every shard that may be written."""

    def __init__(self, lanes: Lanes, paces: Paces, limits: RequestLimits) -> None:
        self._lanes = lanes
        self._paces = paces
        self._limits = limits
        self._suspects: deque[list[Entry]] = deque()
        self._turn = 0
        self.shards: ShardMap = LearnedShardMap()
        self.not_before = 0.0

    @property
    def suspects(self) -> int:
        """Entries that go in requests of their own, because one of them made a whole request unacceptable."""
        return sum(len(entries) for entries in self._suspects)

    def suspect(self, entries: list[Entry]) -> None:
        """Send these together, apart from all others, to find out which one Kinesis does not accept."""
        self._suspects.append(entries)

    def fills(self, now: float) -> bool:
        """Whether a full request could leave now: reading on would add nothing to it."""
        if now < self.not_before:
            return False
        if self._suspects or len(self._lanes.unknown) >= self._limits.records:
            return True
        lanes = self._lanes
        return lanes.ready >= self._limits.records or lanes.ready_bytes >= self._limits.size

    def cut(self, now: float) -> Request | None:
        """The next request, or None when nothing may go yet."""
        if now < self.not_before:
            return None
        if self._suspects:
            entries = self._suspects.popleft()
            return Request(entries, sum(entry.size for entry in entries))
        request = Request([], 0)
        self._add_unknown(request, now)
        self._add_shards(request, now)
        return request if request.entries else None

    def due(self, now: float) -> float | None:
        """Seconds until the next request may leave; None when nothing is ready."""
        if self._suspects or self._lanes.unknown:
            return max(0.0, self.not_before - now)
        waits = [
            self._paces.of(shard, now).wait(now, queue.count, queue.size)
            for shard, queue in self._lanes.queues.items()
            if queue.count
        ]
        return max(min(waits), self.not_before - now) if waits else None

    def _add_unknown(self, request: Request, now: float) -> None:
        unknown = self._lanes.unknown
        while unknown and len(request.entries) < self._limits.records:
            entry = unknown[0]
            if request.entries and request.size + entry.size > self._limits.size:
                return
            unknown.popleft()
            request.entries.append(entry)
            request.size += entry.size
            self._paces.of(self.shards.shard_at(entry.digest), now).take(1, entry.size)

    def _add_shards(self, request: Request, now: float) -> None:
        """Fill up from all shards that are not backing off, once one of them has enough, each time from another on."""
        ready = [(shard, queue) for shard, queue in self._lanes.queues.items() if queue.count]
        # Looks no further than to the first that has: there are as many shards as the stream is large.
        if not any(self._has_enough(shard, queue, now) for shard, queue in ready):
            return
        self._turn = (self._turn + 1) % len(ready)
        entries, paces, take = request.entries, self._paces.of, self._lanes.take
        room, room_bytes = self._limits.records - len(entries), self._limits.size - request.size
        for shard, queue in ready[self._turn :] + ready[: self._turn]:
            if room <= 0:
                break
            pace = paces(shard, now)
            if pace.not_before > now:
                continue
            count, size = take(queue, *pace.allowance(), room, room_bytes, entries)
            pace.take(count, size)
            room -= count
            room_bytes -= size
        request.size = self._limits.size - room_bytes

    def _has_enough(self, shard: str, queue: ShardQueue, now: float) -> bool:
        return self._paces.of(shard, now).wait(now, queue.count, queue.size) <= 0.0
