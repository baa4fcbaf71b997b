"""Keep each user's order: at most one entry of a partition key is on its way, and everybody else goes on.

This is the one home of the ordering promise. A key is *busy* from the moment its first record is ready until that
record is settled; later records of a busy key wait behind it, in order, in memory or spilled to disk.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec

from airflow_netmera_kinesis.delivery.shard_map import digest_of
from airflow_netmera_kinesis.record import StagedRecord

# What may wait behind busy keys in memory; the rest of a hot key is spilled.
WAITING_RECORDS = 30_000
WAITING_BYTES = 32 * 1024 * 1024
# How much of a key's spilled records comes back at once.
SPILL_CHUNK_RECORDS = 100
SPILL_CHUNK_BYTES = 256 * 1024


class Entry(msgspec.Struct, gc=False):
    """One PutRecords entry. ``size`` counts data and key, as Kinesis does; ``digest`` is what places the key."""

    key: str
    data: bytes
    size: int
    records: tuple[StagedRecord, ...]
    digest: bytes


class Spill(Protocol):
    """Where records of hot keys wait when memory is full, in order per key."""

    def push(self, record: StagedRecord) -> None:
        """Put a record behind the others of its key."""

    def pull(self, key: str, records: int, size: int) -> list[StagedRecord]:
        """Take the oldest of a key's records away: at least one if any is left, and about ``size`` bytes at most."""


class Packer(Protocol):
    """How the record at the head of a lane, and perhaps some that wait behind it, become one entry."""

    def __call__(self, head: StagedRecord, waiting: deque[StagedRecord] | None) -> Entry:
        """Take what travels along out of ``waiting``, oldest first."""


def one_by_one(head: StagedRecord, waiting: deque[StagedRecord] | None) -> Entry:
    """Let every record be an entry of its own."""
    key, data = head.key, head.payload
    name = key.encode("utf-8", "surrogatepass")
    return Entry(key, data, len(data) + len(name), (head,), digest_of(name))


def size_of(record: StagedRecord) -> int:
    """What Kinesis counts for a record: its data before base64 plus its key."""
    return len(record.payload) + len(record.key.encode("utf-8", "surrogatepass"))


class ShardQueue:
    """What may go to one shard: rejected entries, then records that waited behind others, then heads of new lanes.

    A hot key's next record goes before keys that were read later, or it would wait out the whole read-ahead each time.
    """

    __slots__ = ("count", "followers", "heads", "rejected", "size")

    def __init__(self) -> None:
        self.rejected: deque[Entry] = deque()
        self.followers: deque[Entry] = deque()
        self.heads: deque[Entry] = deque()
        self.count = 0
        self.size = 0


class Lanes:
    """The lanes of one stream's partition keys, sorted by the shard that each key goes to."""

    def __init__(self, shard_at: Callable[[bytes], str], spill: Spill, packer: Packer = one_by_one) -> None:
        self._shard_at = shard_at
        self._spill = spill
        self._packer = packer
        self._packs = packer is not one_by_one
        self._behind: dict[str, deque[StagedRecord] | None] = {}
        self._spilled: set[str] = set()
        self._waiting_bytes = 0
        self.queues: dict[str, ShardQueue] = {}
        self.unknown: deque[Entry] = deque()
        self.ready = 0
        self.ready_bytes = 0
        self.waiting = 0
        self.spilled = 0

    def __bool__(self) -> bool:
        """Whether any key is busy: something is ready, waiting or on its way."""
        return bool(self._behind)

    def idles(self) -> bool:
        """Whether a shard that had work has none now, while others have some."""
        return any(not queue.count for queue in self.queues.values())

    def offer(self, record: StagedRecord) -> None:
        """Take the next record of the source: ready when its key is free, else behind the others of its key."""
        self.offer_all((record,))

    def offer_all(self, records: Iterable[StagedRecord]) -> int:
        """Take the next records of the source, and say how many there were."""
        busy, pack, shard_at, queue_of = self._behind, self._packer, self._shard_at, self.queues.get
        count = ready = ready_bytes = 0
        for record in records:
            count += 1
            key = record.key
            if key in busy:
                self._offer_behind(record)
                continue
            busy[key] = None
            entry = pack(record, None)
            shard, size = shard_at(entry.digest), entry.size
            queue = queue_of(shard) or self._open(shard)
            queue.heads.append(entry)
            queue.count += 1
            queue.size += size
            ready += 1
            ready_bytes += size
        self.ready += ready
        self.ready_bytes += ready_bytes
        return count

    def take(
        self, queue: ShardQueue, records: float, size: float, room: int, room_bytes: int, request: list[Entry]
    ) -> tuple[int, int]:
        """Move entries of a shard into a request while its allowance and the room last; return their count and bytes.

        The first entry of a request goes whatever its size.
        """
        rejected, packs = queue.rejected, self._packs
        taken = taken_bytes = 0
        for _ in range(int(min(queue.count, records, room))):
            if taken_bytes >= size:
                break
            if rejected:
                entry = rejected.popleft()
            else:
                entry = (queue.followers or queue.heads).popleft()
                if packs:
                    entry = self._joined(entry, queue)
            if taken_bytes + entry.size > room_bytes and request:
                rejected.appendleft(entry)
                break
            request.append(entry)
            taken += 1
            taken_bytes += entry.size
        queue.count -= taken
        queue.size -= taken_bytes
        self.ready -= taken
        self.ready_bytes -= taken_bytes
        return taken, taken_bytes

    def put_back(self, entry: Entry) -> None:
        """A rejected entry goes again, before anything later of its key, when its shard may be written."""
        self._enqueue(entry).rejected.append(entry)

    def put_first(self, entry: Entry) -> None:
        """An entry without an answer goes again before everything else."""
        self.unknown.append(entry)

    def release(self, key: str) -> None:
        """The key's entry is settled: its next record is ready, or the key is free."""
        self.release_all((key,))

    def release_all(self, keys: Iterable[str]) -> None:
        """These keys' entries are settled."""
        forget, spilled = self._behind.pop, self._spilled
        for key in keys:
            behind = forget(key)
            if behind or key in spilled:
                self._follow(key, behind)

    def resort(self, shard_at: Callable[[bytes], str]) -> None:
        """Sort what is ready by a new map of the shards; the order within each key is untouched."""
        self._shard_at = shard_at
        queues, self.queues = self.queues, {}
        self.ready = self.ready_bytes = 0
        for queue in queues.values():
            for entry in queue.rejected:
                self._enqueue(entry).rejected.append(entry)
            for entry in queue.followers:
                self._enqueue(entry).followers.append(entry)
            for entry in queue.heads:
                self._enqueue(entry).heads.append(entry)

    def _offer_behind(self, record: StagedRecord) -> None:
        key = record.key
        if key in self._spilled or self.waiting >= WAITING_RECORDS or self._waiting_bytes >= WAITING_BYTES:
            self._spilled.add(key)
            self._spill.push(record)
            self.spilled += 1
        else:
            self._wait(key, (record,))

    def _follow(self, key: str, behind: deque[StagedRecord] | None) -> None:
        """The next of those that wait behind a key is ready, and the key stays busy; unless there is none."""
        self._behind[key] = behind
        if not behind:
            behind = self._unspill(key)
        if not behind:
            del self._behind[key]
            return
        head = behind.popleft()
        self.waiting -= 1
        self._waiting_bytes -= len(head.payload)
        entry = self._packer(head, None)
        self._enqueue(entry).followers.append(entry)

    def _enqueue(self, entry: Entry) -> ShardQueue:
        shard, size = self._shard_at(entry.digest), entry.size
        queue = self.queues.get(shard) or self._open(shard)
        queue.count += 1
        queue.size += size
        self.ready += 1
        self.ready_bytes += size
        return queue

    def _open(self, shard: str) -> ShardQueue:
        queue = self.queues[shard] = ShardQueue()
        return queue

    def _joined(self, entry: Entry, queue: ShardQueue) -> Entry:
        """Pack anew with those that have come to wait behind it."""
        behind = self._behind[entry.key]
        if not behind:
            return entry
        joined = self._packer(entry.records[0], behind)
        more = joined.records[1:]
        self.waiting -= len(more)
        self._waiting_bytes -= sum([len(record.payload) for record in more])
        grown = joined.size - entry.size
        self.ready_bytes += grown
        queue.size += grown
        return joined

    def _wait(self, key: str, records: Iterable[StagedRecord]) -> deque[StagedRecord]:
        behind = self._behind[key]
        if behind is None:
            behind = self._behind[key] = deque()
        for record in records:
            behind.append(record)
            self.waiting += 1
            self._waiting_bytes += len(record.payload)
        return behind

    def _unspill(self, key: str) -> deque[StagedRecord]:
        records = self._spill.pull(key, SPILL_CHUNK_RECORDS, SPILL_CHUNK_BYTES)
        self.spilled -= len(records)
        if not records:
            self._spilled.discard(key)
        return self._wait(key, records)
