"""Measure what one stream would take: by user, and by place in the hash space that Kinesis cuts into shards."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from heapq import nlargest
from itertools import pairwise

import msgspec

from airflow_netmera_kinesis.delivery.packing import MAX_PACKED_BYTES
from airflow_netmera_kinesis.delivery.put_units import Billed

# Fine enough for thousands of shards; a user lies in one of them, as in one shard.
BUCKETS = 65_536
# About 150 MB of users. Beyond it the smaller ones are forgotten, as only the largest are shown.
MAX_USERS = 500_000
_KEPT_USERS = MAX_USERS // 5


class UserLoad(msgspec.Struct, frozen=True):
    """One user's events and the bytes of their records, keys included."""

    key: str
    events: int
    bytes: int

    @property
    def packed_records(self) -> int:
        """How many records would do if as many events as may travelled in each."""
        return max(1, -(-self.bytes // MAX_PACKED_BYTES))


class ShardLoad(msgspec.Struct, frozen=True):
    """What the shard that gets most would take, were the hash space cut into so many equal shards."""

    shards: int
    records: int
    bytes: int


class StreamLoad:
    """Take one record after another; memory is bounded, and ``exact`` says whether users had to be forgotten."""

    def __init__(self) -> None:
        self.records = self.bytes = self.largest = 0
        self.alone = Billed()
        self.exact = True
        self._records = array("q", bytes(8 * BUCKETS))
        self._bytes = array("q", bytes(8 * BUCKETS))
        self._users: dict[str, list[int]] = {}
        self._forgotten_users = 0
        self._forgotten = Billed()

    def add(self, bucket: int, key: str, size: int) -> None:
        """Count a record of so many bytes, payload and key together."""
        self.records += 1
        self.bytes += size
        if size > self.largest:
            self.largest = size
        self.alone.add(size)
        self._records[bucket] += 1
        self._bytes[bucket] += size
        user = self._users.get(key)
        if user is None:
            self._users[key] = [1, size]
            if len(self._users) > MAX_USERS:
                self._forget()
        else:
            user[0] += 1
            user[1] += size

    @property
    def users(self) -> int:
        """How many users there are; if not ``exact``, at most, as a forgotten one who comes back counts again."""
        return len(self._users) + self._forgotten_users

    @property
    def packed(self) -> Billed:
        """What would be billed if each user's events travelled in as few records as may be: what packing can save."""
        packed = Billed(self._forgotten.units, self._forgotten.kib)
        for user in self._loads():
            add_packed(packed, user.bytes)
        return packed

    def top_by_events(self, number: int) -> list[UserLoad]:
        """Return the users with most events."""
        return nlargest(number, self._loads(), key=lambda user: (user.events, user.bytes))

    def top_by_bytes(self, number: int) -> list[UserLoad]:
        """Return the users with most bytes."""
        return nlargest(number, self._loads(), key=lambda user: (user.bytes, user.events))

    def most_packed_records(self) -> int:
        """Return the records of the user who needs most of them, packed."""
        return max((user.packed_records for user in self.top_by_bytes(1)), default=0)

    def shard_loads(self, counts: Iterable[int]) -> Iterator[ShardLoad]:
        """Yield the load of the shard that gets most, for each count of shards."""
        records, size = _running_sums(self._records), _running_sums(self._bytes)
        for shards in counts:
            ends = [shard * BUCKETS // shards for shard in range(shards + 1)]
            yield ShardLoad(shards, _largest_step(records, ends), _largest_step(size, ends))

    def _loads(self) -> Iterator[UserLoad]:
        return (UserLoad(key, events, size) for key, (events, size) in self._users.items())

    def _forget(self) -> None:
        kept = {user.key for user in self.top_by_bytes(_KEPT_USERS)} | {
            user.key for user in self.top_by_events(_KEPT_USERS)
        }
        for key, (_, size) in self._users.items():
            if key not in kept:
                add_packed(self._forgotten, size)
                self._forgotten_users += 1
        self._users = {key: user for key, user in self._users.items() if key in kept}
        self.exact = False


def add_packed(billed: Billed, size: int) -> None:
    """Count one user's bytes in as few records as may be."""
    whole, rest = divmod(size, MAX_PACKED_BYTES)
    for _ in range(whole):
        billed.add(MAX_PACKED_BYTES)
    if rest:
        billed.add(rest)


def _running_sums(values: array[int]) -> list[int]:
    sums, total = [0], 0
    for value in values:
        total += value
        sums.append(total)
    return sums


def _largest_step(sums: list[int], ends: list[int]) -> int:
    return max(sums[end] - sums[start] for start, end in pairwise(ends))
