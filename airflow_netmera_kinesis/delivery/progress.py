"""Say once a minute how sending goes: delivered, per second, what waits, which shards reject, and when it will end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from airflow_netmera_kinesis.delivery.loop import Delivery
from airflow_netmera_kinesis.log import Log

EVERY_SECONDS = 60.0
TOLD_SHARDS = 5


class Progress:
    """The log lines of one stream's delivery."""

    def __init__(self, log: Log, stream: str, total: int, clock: Callable[[], float]) -> None:
        self._log = log
        self._stream = stream
        self._total = total
        self._clock = clock
        self._since = clock()
        self._delivered = 0
        self._rejections: Counter[str] = Counter()

    def look(self, delivery: Delivery) -> None:
        """Write a line if a minute has passed since the last."""
        now = self._clock()
        elapsed = now - self._since
        if elapsed < EVERY_SECONDS:
            return
        delivered = delivery.counts.delivered
        rate = (delivered - self._delivered) / elapsed
        rejected = (delivery.rejections - self._rejections).most_common()
        shards = [f"{shard} {count}" for shard, count in rejected[:TOLD_SHARDS]]
        if len(rejected) > TOLD_SHARDS:
            shards.append(f"{len(rejected) - TOLD_SHARDS} more {sum(count for _, count in rejected[TOLD_SHARDS:])}")
        self._log.info(
            "stream %s: delivered %d of %d, %.0f a second, %d waiting; rejected by shard: %s; %s",
            self._stream, delivered, self._total, rate, delivery.waiting,
            ", ".join(shards) or "none",
            f"about {(self._total - delivered) / rate / 60:.0f} minutes to go" if rate else "no end in sight",
        )  # fmt: skip
        self._since, self._delivered, self._rejections = now, delivered, delivery.rejections.copy()
