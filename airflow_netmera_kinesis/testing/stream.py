"""Decide which shard of a stream a record goes to, also while the stream is resharded."""

from __future__ import annotations

from bisect import bisect_right
from hashlib import md5

from airflow_netmera_kinesis.testing.rules import DEFAULT_MAX_RECORD_KIB, HASH_KEYS
from airflow_netmera_kinesis.testing.shard import Shard


class Stream:
    """One stream; ``shards`` holds all that it ever had, in the order of their ids."""

    def __init__(self, name: str, arn: str, shard_count: int, now: float) -> None:
        self.name = name
        self.arn = arn
        self.created_at = now
        self.on_demand = False
        self.ignores_keys = False
        self.kms_key: str | None = None
        self.max_record_kib = DEFAULT_MAX_RECORD_KIB
        self.shards = [Shard(index, start, end, now) for index, (start, end) in enumerate(even_ranges(shard_count))]
        self._busy = ("ACTIVE", 0.0)
        self._turn = 0
        self._map_open_shards()

    @property
    def max_record_bytes(self) -> int:
        return self.max_record_kib * 1024

    def keep_busy(self, status: str, now: float, seconds: float) -> None:
        """Be CREATING or UPDATING for so long; not at all for 0, even if the clock is set back."""
        if seconds > 0:
            self._busy = (status, now + seconds)

    def status(self, now: float) -> str:
        status, until = self._busy
        return status if now < until else "ACTIVE"

    @property
    def open_shards(self) -> tuple[Shard, ...]:
        """Give the shards that take records, by their hash keys."""
        return self._open

    def shard_named(self, name: str) -> Shard | None:
        return next((shard for shard in self.shards if shard.name == name), None)

    def shard_for(self, key: str, explicit_hash_key: str | None) -> Shard:
        """Find the open shard for a record; a stream that ignores keys deals them out in turn."""
        if self.ignores_keys:
            self._turn += 1
            return self._open[self._turn % len(self._open)]
        if explicit_hash_key is None:
            hash_key = int.from_bytes(md5(key.encode(), usedforsecurity=False).digest(), "big")
        else:
            hash_key = int(explicit_hash_key)
        return self._open[bisect_right(self._starts, hash_key) - 1]

    def split(self, shard: Shard, at: int, now: float) -> tuple[Shard, Shard]:
        """Close ``shard`` and open two in its place, the second from hash key ``at`` on."""
        left = Shard(len(self.shards), shard.start, at - 1, now, (shard,))
        right = Shard(len(self.shards) + 1, at, shard.end, now, (shard,))
        self._replace((shard,), (left, right), now)
        return left, right

    def merge(self, left: Shard, right: Shard, now: float) -> Shard:
        """Close two neighbours and open one in their place."""
        merged = Shard(len(self.shards), left.start, right.end, now, (left, right))
        self._replace((left, right), (merged,), now)
        return merged

    def children(self, shard: Shard) -> list[Shard]:
        return [child for child in self.shards if shard in child.parents]

    def _replace(self, closed: tuple[Shard, ...], opened: tuple[Shard, ...], now: float) -> None:
        for shard in closed:
            shard.closed_at = now
        self.shards.extend(opened)
        self._map_open_shards()

    def _map_open_shards(self) -> None:
        self._open = tuple(sorted((s for s in self.shards if s.closed_at is None), key=lambda shard: shard.start))
        self._starts = [shard.start for shard in self._open]


def even_ranges(count: int) -> list[tuple[int, int]]:
    """Cut the hash keys into ``count`` ranges; the last takes what the division leaves over."""
    if count < 1:
        raise ValueError("a stream has one shard at least")
    width = HASH_KEYS // count
    return [(n * width, HASH_KEYS - 1 if n == count - 1 else (n + 1) * width - 1) for n in range(count)]
