"""Decide whether a shard has room for one more record right now."""

from __future__ import annotations

import msgspec

# https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html
RECORDS_PER_SECOND = 1000.0
BYTES_PER_SECOND = 1_000_000.0


class ShardQuota(msgspec.Struct, frozen=True, kw_only=True):
    """What one shard takes; ``burst_seconds`` is how much of it an idle shard saves up."""

    records_per_second: float = RECORDS_PER_SECOND
    bytes_per_second: float = BYTES_PER_SECOND
    burst_seconds: float = 1.0

    def __post_init__(self) -> None:
        if self.records_per_second <= 0 or self.bytes_per_second <= 0:
            raise ValueError("a shard's quota must be above zero")
        if self.records_per_second * self.burst_seconds < 1:
            raise ValueError("burst_seconds must leave room for one record at least")


class TokenBucket:
    """The two allowances of one shard, records and bytes; a refused record costs neither."""

    __slots__ = ("_bytes", "_filled_at", "_max_bytes", "_max_records", "_records", "quota")

    def __init__(self, quota: ShardQuota, now: float) -> None:
        self.quota = quota
        self._max_records = quota.records_per_second * quota.burst_seconds
        self._max_bytes = quota.bytes_per_second * quota.burst_seconds
        self._records = self._max_records
        self._bytes = self._max_bytes
        self._filled_at = now

    def take(self, size: int, now: float) -> bool:
        """Take one record of ``size`` bytes out, or leave everything as it is and say no.

        A record larger than a whole bucket passes when the bucket is full, and leaves it in debt: large records
        would otherwise never pass.
        """
        self._fill(now)
        if self._records < 1 or self._bytes < min(size, self._max_bytes):
            return False
        self._records -= 1
        self._bytes -= size
        return True

    def _fill(self, now: float) -> None:
        passed = now - self._filled_at
        if passed <= 0:  # a clock set back gives nothing and takes nothing
            return
        self._filled_at = now
        self._records = min(self._records + passed * self.quota.records_per_second, self._max_records)
        self._bytes = min(self._bytes + passed * self.quota.bytes_per_second, self._max_bytes)
