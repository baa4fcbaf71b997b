"""Hold what one shard is: a range of hash keys, open or closed, and the records that came to it."""

from __future__ import annotations

from typing import Any

import msgspec

from airflow_netmera_kinesis.testing import sequence_number
from airflow_netmera_kinesis.testing.quota import ShardQuota, TokenBucket


class StoredRecord(msgspec.Struct, frozen=True, gc=False):
    """One record as the fake keeps it.

    ``position`` counts all records of the account in the order of their arrival; ``arrived`` is by the fake's clock,
    in seconds since the epoch.
    """

    position: int
    shard: int
    sequence_number: int
    partition_key: str
    data: bytes
    arrived: float


class Shard:
    """One shard; ``closed_at`` is None while it is open. Hash keys run from ``start`` to ``end``, both included."""

    __slots__ = (
        "_base", "_bucket", "closed_at", "created_at", "created_seconds", "end", "index", "name", "parents", "records",
        "start",
    )  # fmt: skip

    def __init__(self, index: int, start: int, end: int, now: float, parents: tuple[Shard, ...] = ()) -> None:
        self.index = index
        self.name = sequence_number.shard_name(index)
        self.start = start
        self.end = end
        self.parents = parents
        self.records: list[StoredRecord] = []
        self.created_at = now
        self.closed_at: float | None = None
        # numbers of a child are above its parents', even when the clock stood still between
        self.created_seconds: int = max([int(now), *(parent.created_seconds + 1 for parent in parents)])
        self._base = sequence_number.base_number(index, self.created_seconds)
        self._bucket: TokenBucket | None = None

    def number(self, position: int, now: float) -> int:
        """Give the sequence number of the record that is the account's ``position``-th."""
        return sequence_number.number(self._base, position, int(now))

    def has_room(self, quota: ShardQuota, size: int, now: float) -> bool:
        """Take ``size`` bytes from the shard's quota, or say that it is used up."""
        if self._bucket is None or self._bucket.quota is not quota:
            self._bucket = TokenBucket(quota, now)
        return self._bucket.take(size, now)

    def was_open_at(self, moment: float) -> bool:
        return self.created_at <= moment and (self.closed_at is None or self.closed_at >= moment)

    def described(self) -> dict[str, Any]:
        """Give the shard as ListShards and DescribeStream show it."""
        numbers = {"StartingSequenceNumber": str(sequence_number.number(self._base, 0, self.created_seconds))}
        if self.closed_at is not None:
            closed_seconds = max(int(self.closed_at), self.created_seconds)
            numbers["EndingSequenceNumber"] = str(sequence_number.last_number(self._base, closed_seconds))
        shown: dict[str, Any] = {
            "ShardId": self.name,
            "HashKeyRange": self.hash_key_range(),
            "SequenceNumberRange": numbers,
        }
        for field, parent in zip(("ParentShardId", "AdjacentParentShardId"), self.parents, strict=False):
            shown[field] = parent.name
        return shown

    def hash_key_range(self) -> dict[str, str]:
        return {"StartingHashKey": str(self.start), "EndingHashKey": str(self.end)}
