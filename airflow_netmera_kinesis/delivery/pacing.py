"""Decide when a shard may be written again, and with how much: token buckets, back-off and a probing rate."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping

from airflow_netmera_kinesis.delivery.rejection_share import WINDOW_SECONDS, WINDOWS, RejectionShare

# https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html, the same in both capacity modes
SHARD_RECORDS_PER_SECOND = 1_000.0
SHARD_BYTES_PER_SECOND = 1_048_576.0
# A bucket holds half a second: one full request of 500 for a lone shard, and half of what a shard takes in a second.
BURST_SECONDS = 0.5
# A shard waits until a quarter of a second's worth may go, so that requests stay full instead of trickling.
QUANTUM_SECONDS = 0.25
STEADY_RATE = 0.98
ELASTIC_RATE = 1.25
SLOWEST_RATE = 0.02
# A pace that was too fast falls by as much as it was, within these bounds: by less it would be too fast again at once.
LEAST_DECREASE = 0.2
MOST_DECREASE = 0.8
INCREASE_PER_SECOND = 0.02
# This much of a second's records, rejected: there is no need to wait until the second is over.
PLAINLY_TOO_FAST = 0.1
# When those who share a shard change, each learns it at another moment: till then rejections are nobody's pace.
GRACE_SECONDS = 2.0
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 10.0


def full_jitter(rng: random.Random, attempt: int) -> float:
    """A pause in seconds, evenly spread below a bound that doubles with each attempt.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    return rng.uniform(0.0, min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(attempt, 16)))


class Pace:
    """The pace of one shard, as a share of its documented limits.

    The rate falls by the share of a second's records that was too much, and rises by 2 % a second otherwise (additive
    increase, multiplicative decrease). ``unlimited`` is for records whose shard is not known: only back-off holds them.
    """

    __slots__ = (
        "_before", "_bytes", "_ceiling", "_cut_at", "_grace", "_rate", "_records", "_seen", "_since", "_unlimited",
        "not_before", "rejections", "share",
    )  # fmt: skip

    def __init__(self, now: float, share: float = 1.0, *, elastic: bool = False, unlimited: bool = False) -> None:
        self.share = share
        self.not_before = now
        self.rejections = 0
        self._ceiling = ELASTIC_RATE if elastic else STEADY_RATE
        self._rate = self._before = STEADY_RATE
        self._unlimited = unlimited
        self._since = now
        self._seen = RejectionShare(now)
        self._cut_at = now - WINDOW_SECONDS
        self._grace = now + GRACE_SECONDS if share < 1.0 else now
        self._records = SHARD_RECORDS_PER_SECOND * share * BURST_SECONDS
        self._bytes = SHARD_BYTES_PER_SECOND * share * BURST_SECONDS

    def reshare(self, share: float, now: float) -> None:
        """From now on another part is ours: what was cut while the old one was too much is given back."""
        if share == self.share:
            return
        self.refill(now)
        self._rate = self._before = min(self._ceiling, self._rate * max(1.0, self.share / share))
        self.share = share
        self._seen = RejectionShare(now)
        self._grace = now + GRACE_SECONDS

    def refill(self, now: float) -> None:
        """Let the time since the last look add tokens, and raise the rate or cut it."""
        elapsed = now - self._since
        if elapsed <= 0.0:
            return
        self._since = now
        if self._seen.is_due(now):
            self._look_back(now)
        self._rate = min(self._ceiling, self._rate + INCREASE_PER_SECOND * elapsed)
        records, size = self._per_second()
        # However small the share: a bucket that never holds a whole record would never let one go.
        self._records = min(max(1.0, records * BURST_SECONDS), self._records + records * elapsed)
        self._bytes = min(size * BURST_SECONDS, self._bytes + size * elapsed)

    def wait(self, now: float, queued: int, queued_bytes: int) -> float:
        """Seconds until a worthwhile part of what is queued may go; 0.0 when it may go now."""
        pause = self.not_before - now
        if self._unlimited:
            return max(0.0, pause)
        records, size = self._per_second()
        missing_records = min(float(queued), max(1.0, records * QUANTUM_SECONDS)) - self._records
        missing_bytes = min(float(queued_bytes), size * QUANTUM_SECONDS) - self._bytes
        return max(0.0, pause, missing_records / records, missing_bytes / size)

    def allowance(self) -> tuple[float, float]:
        """How many records and bytes may go now; the last record may exceed the bytes, and the debt is paid later."""
        return (float("inf"), float("inf")) if self._unlimited else (self._records, self._bytes)

    def take(self, records: int, size: int) -> None:
        """Spend tokens on what goes out now."""
        self._records -= records
        self._bytes -= size
        self._seen.send(records)

    def reject(self, records: int, now: float, rng: random.Random) -> None:
        """In one answer the shard refused so many: stay away for a while. Those that crossed on the way count once."""
        if now < self.not_before:
            return
        self._seen.reject(records)
        self.not_before = now + full_jitter(rng, self.rejections)
        self.rejections += 1
        usual = self._seen.usual
        if now < self._grace:
            return
        if self._seen.rejected >= (PLAINLY_TOO_FAST + usual) * self._per_second()[0]:
            self._slow_down(now, self._seen.judge(now), sure=True)
        elif not usual and self._is_settled(now):
            self._slow_down(now, LEAST_DECREASE, sure=False)

    def accept(self) -> None:
        """The shard took a record: the next back-off starts small again."""
        self.rejections = 0

    def _look_back(self, now: float) -> None:
        """Judge a second: too fast, or slowed down in vain."""
        usual = self._seen.usual
        too_much = self._seen.judge(now)
        if too_much > 0.0 and now >= self._grace and self._is_settled(now):
            self._slow_down(now, too_much, sure=usual > 0.0)
        elif not usual and self._seen.usual:
            self._rate = self._before

    def _is_settled(self, now: float) -> bool:
        """Whether the last cut has had a second to show."""
        return now - self._cut_at >= WINDOW_SECONDS

    def _slow_down(self, now: float, too_much: float, *, sure: bool) -> None:
        """Cut the rate; the shard holds nothing of what was thought to be saved up.

        Unless it is ``sure`` that the pace was to blame, the rate before this row of cuts is kept in mind.
        """
        if now - self._cut_at > (WINDOWS + 1) * WINDOW_SECONDS:
            self._before = self._rate
        self._cut_at = now
        self._rate = max(SLOWEST_RATE, self._rate * (1.0 - min(MOST_DECREASE, max(LEAST_DECREASE, too_much))))
        self._records = min(self._records, 0.0)
        if sure:
            self._before = self._rate

    def _per_second(self) -> tuple[float, float]:
        scale = self._rate * self.share
        return SHARD_RECORDS_PER_SECOND * scale, SHARD_BYTES_PER_SECOND * scale


class Paces:
    """The paces of a stream's shards; a shard that was not heard of before starts at the documented limits."""

    def __init__(self, *, elastic: bool, unlimited: frozenset[str], rng: random.Random) -> None:
        self._elastic = elastic
        self._unlimited = unlimited
        self._rng = rng
        self._shares: Mapping[str, float] = {}
        self._paces: dict[str, Pace] = {}

    def share(self, shares: Mapping[str, float], now: float) -> None:
        """Set which part of each shard's capacity is ours; of a shard that is not named it is all."""
        self._shares = shares
        for shard, pace in self._paces.items():
            pace.reshare(shares.get(shard, 1.0), now)

    def of(self, shard: str, now: float) -> Pace:
        """The pace of a shard, refilled up to now."""
        pace = self._paces.get(shard)
        if pace is None:
            share = self._shares.get(shard, 1.0)
            pace = Pace(now, share, elastic=self._elastic, unlimited=shard in self._unlimited)
            self._paces[shard] = pace
        pace.refill(now)
        return pace

    def reject(self, shard: str, records: int, now: float) -> None:
        """In one answer a shard refused so many records."""
        self.of(shard, now).reject(records, now, self._rng)

    def accept(self, shards: Iterable[str]) -> None:
        """These shards took records."""
        for shard in shards:
            pace = self._paces.get(shard)
            if pace is not None:
                pace.accept()
