"""Metrics that are kept, for a test to read."""

from __future__ import annotations

from collections import Counter

from airflow_netmera_kinesis.metrics import EVERY_SECONDS


class RecordedMetrics:
    """Sums what is counted by name and tags, as a backend does, and keeps the last value of each gauge."""

    every_seconds = EVERY_SECONDS

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.gauges: dict[str, float] = {}

    def count(self, name: str, more: int, **tags: str) -> None:
        assert more > 0
        self.counts[_key(name, tags)] += more

    def gauge(self, name: str, value: float, **tags: str) -> None:
        self.gauges[_key(name, tags)] = value

    def of(self, name: str) -> dict[str, int]:
        """Return what was counted under one name, by its tags."""
        return {
            tags: count for key, count in self.counts.items() for own, _, tags in [key.partition(" ")] if own == name
        }


def _key(name: str, tags: dict[str, str]) -> str:
    return " ".join([name, *(f"{tag}={value}" for tag, value in sorted(tags.items()))])
