"""Tell while sending, now and then and at the end, what this try has done: earlier tries have told of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from airflow_netmera_kinesis.delivery.counts import DeliveryCounts
from airflow_netmera_kinesis.metrics import (
    BYTES,
    DEAD_LETTERS,
    DELIVERED,
    LAG,
    REJECTED,
    REQUESTS,
    UNKNOWN,
    Metrics,
)


class Meter:
    """One stream's delivery in one try.

    ``delivered`` is asked for what the ledger holds by the index of the hook, earlier tries included; ``dead`` for what
    this try has set aside by hook and reason. ``names`` are those of the hooks. ``now_ms`` is the time of day.
    """

    def __init__(
        self,
        metrics: Metrics,
        stream: str,
        names: Mapping[int, str],
        *,
        delivered: Callable[[], Mapping[int, int]],
        dead: Callable[[], Mapping[tuple[int, str], int]],
        clock: Callable[[], float],
        now_ms: Callable[[], int],
    ) -> None:
        self._metrics, self._stream, self._names = metrics, stream, names
        self._delivered, self._dead = delivered, dead
        self._clock, self._now_ms = clock, now_ms
        self._since = clock()
        self._told: dict[tuple[str, ...], int] = {(DELIVERED, names[hook]): n for hook, n in delivered().items()}

    def look(self, counts: DeliveryCounts) -> None:
        """Tell if it is time to."""
        if self._clock() - self._since >= self._metrics.every_seconds:
            self.tell(counts)

    def tell(self, counts: DeliveryCounts) -> None:
        """Tell what was done since the last time."""
        self._since = self._clock()
        for name, total in (
            (REQUESTS, counts.requests),
            (BYTES, counts.size),
            (REJECTED, counts.rejected),
            (UNKNOWN, counts.unknown),
        ):
            self._count(total, name)
        for hook, total in self._delivered().items():
            self._count(total, DELIVERED, hook=self._names[hook])
        for (hook, reason), total in self._dead().items():
            self._count(total, DEAD_LETTERS, hook=self._names[hook], reason=reason)
        if counts.newest_ms:
            self._metrics.gauge(LAG, (self._now_ms() - counts.newest_ms) / 1000, stream=self._stream)

    def _count(self, total: int, name: str, **tags: str) -> None:
        key = (name, *tags.values())
        more = total - self._told.get(key, 0)
        if more:
            self._told[key] = total
            self._metrics.count(name, more, stream=self._stream, **tags)
