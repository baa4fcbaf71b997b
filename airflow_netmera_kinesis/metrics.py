"""Say what the stages tell of their work to whoever counts it; the names are those that the README lists."""

from __future__ import annotations

from typing import Protocol

EVENTS_READ = "events_read"
MATCHED = "matched"
DEAD_LETTERS = "dead_letters"
DELIVERED = "delivered"
REJECTED = "rejected"
UNKNOWN = "unknown"
REQUESTS = "requests"
BYTES = "bytes"
LAG = "lag"
EVERY_SECONDS = 60.0


class Metrics(Protocol):
    """Takes what one try of one task has done, so that whoever sums it counts nothing twice. It never raises.

    A long work tells of itself every ``every_seconds`` and at its end.
    """

    @property
    def every_seconds(self) -> float: ...

    def count(self, name: str, more: int, **tags: str) -> None:
        """``more`` happened since this was called last."""

    def gauge(self, name: str, value: float, **tags: str) -> None:
        """This is how it stands now."""


class NoMetrics:
    """Where nobody counts."""

    every_seconds = EVERY_SECONDS

    def count(self, name: str, more: int, **tags: str) -> None: ...

    def gauge(self, name: str, value: float, **tags: str) -> None: ...


NO_METRICS = NoMetrics()
