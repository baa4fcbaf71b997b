"""Predict the shard of a partition key: MD5 over the hash ranges of the stream's open shards."""

from __future__ import annotations

import bisect
import hashlib
from collections.abc import Iterable

import msgspec

HASH_SPACE = 1 << 128
# One name for "no idea which shard": such records share one queue and one back-off.
ANY_SHARD = "any shard"


class Shard(msgspec.Struct, frozen=True):
    """An open shard: its id, its inclusive range of hash keys, and the shards that it came from."""

    shard_id: str
    first_hash: int
    last_hash: int
    parents: tuple[str, ...] = ()


def digest_of(key: bytes) -> bytes:
    """The MD5 of a partition key's UTF-8, which places it among the shards.

    https://docs.aws.amazon.com/streams/latest/dev/key-concepts.html#partition-key
    """
    return hashlib.md5(key, usedforsecurity=False).digest()


def hash_of(key: str) -> int:
    """The hash key that Kinesis gives a partition key: its MD5 as an unsigned number."""
    return int.from_bytes(digest_of(key.encode("utf-8", "surrogatepass")), "big")


class ShardMap:
    """The open shards of a stream at one time, as ListShards shows them."""

    def __init__(self, shards: Iterable[Shard]) -> None:
        self.shards = tuple(sorted(shards, key=lambda shard: shard.first_hash))
        self._firsts = [shard.first_hash for shard in self.shards]
        self._edges = [first.to_bytes(16, "big") for first in self._firsts]
        self._ids = [shard.shard_id for shard in self.shards]
        self.known = frozenset(self._ids)

    def __bool__(self) -> bool:
        """Whether any shard is known."""
        return bool(self._ids)

    def learn(self, key: str, shard: str) -> bool:
        """Take note of where Kinesis put a key; return whether predictions changed. A listed map learns nothing."""
        return False

    def shard_of(self, key: str) -> str:
        """Name the shard that will take this key."""
        return self.shard_at(digest_of(key.encode("utf-8", "surrogatepass")))

    def shard_at(self, digest: bytes) -> str:
        """Name the shard that will take the keys of this digest."""
        return self._ids[max(0, bisect.bisect_right(self._edges, digest) - 1)]


class LearnedShardMap(ShardMap):
    """A map for streams that may not be listed: each shard's range is what its answers have shown so far.

    Keys outside every range are on ANY_SHARD. An answer inside another shard's range means that the stream was
    resharded: everything is learned anew.
    """

    def __init__(self) -> None:
        super().__init__(())
        self._lasts: list[int] = []

    def learn(self, key: str, shard: str) -> bool:
        """Widen the shard's range to the key's hash."""
        predicted = self.shard_of(key)
        if predicted == shard:
            return False
        place = hash_of(key)
        if predicted != ANY_SHARD or self._torn(place, shard):
            self._ids, self._firsts, self._lasts = [], [], []
        if shard in self._ids:
            at = self._ids.index(shard)
            self._firsts[at] = min(self._firsts[at], place)
            self._lasts[at] = max(self._lasts[at], place)
        else:
            at = bisect.bisect_right(self._firsts, place)
            self._ids.insert(at, shard)
            self._firsts.insert(at, place)
            self._lasts.insert(at, place)
        return True

    def _torn(self, place: int, shard: str) -> bool:
        """Whether widening the shard's range to ``place`` would run over another shard's range."""
        if shard not in self._ids:
            return False
        at = self._ids.index(shard)
        below = self._lasts[at - 1] if at else -1
        above = self._firsts[at + 1] if at + 1 < len(self._ids) else HASH_SPACE
        return not below < place < above

    def shard_at(self, digest: bytes) -> str:
        """Name the shard that has shown to take keys around this digest, or ANY_SHARD."""
        place = int.from_bytes(digest, "big")
        at = bisect.bisect_right(self._firsts, place) - 1
        return self._ids[at] if at >= 0 and place <= self._lasts[at] else ANY_SHARD
