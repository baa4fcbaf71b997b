"""Metrics reach Airflow's own backend, and whatever befalls them, the task goes on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import Stats

from airflow_netmera_kinesis.operators.stats import AirflowStats

ON_AIRFLOW_2 = version("apache-airflow").startswith("2.")

log = logging.getLogger("stats")


class Backend:
    """What Airflow would hand a metric to."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.failure: Exception | None = None

    def incr(self, stat: str, count: int = 1, rate: float = 1, *, tags: Any = None) -> None:
        self._tell("incr", stat, count, tags)

    def gauge(self, stat: str, value: float, rate: float = 1, delta: bool = False, *, tags: Any = None) -> None:
        self._tell("gauge", stat, value, tags)

    def _tell(self, *what: Any) -> None:
        if self.failure is not None:
            raise self.failure
        self.told.append(what)


@pytest.fixture
def backend() -> Iterator[Backend]:
    fresh = Backend()
    if ON_AIRFLOW_2:
        stats: Any = Stats
        before, stats.instance = stats.instance, fresh
        yield fresh
        stats.instance = before
        return
    from airflow.sdk._shared.observability.metrics.base_stats_logger import NoStatsLogger

    backend: Any = fresh
    Stats.initialize(factory=lambda: backend, export_legacy_names=False)
    yield fresh
    Stats.initialize(factory=NoStatsLogger, export_legacy_names=False)


def test_a_metric_has_the_providers_prefix_and_all_its_tags(backend: Backend) -> None:
    stats = AirflowStats(log, dag_id="acme")
    stats.count("delivered", 12, hook="purchases", stream="netmera-purchases")
    stats.gauge("lag", 1.5, stream="netmera-purchases")
    assert backend.told == [
        (
            "incr",
            "netmera_kinesis.delivered",
            12,
            {"dag_id": "acme", "hook": "purchases", "stream": "netmera-purchases"},
        ),
        ("gauge", "netmera_kinesis.lag", 1.5, {"dag_id": "acme", "stream": "netmera-purchases"}),
    ]


def test_a_backend_that_is_down_is_told_of_once_and_fails_nothing(
    backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    backend.failure = OSError("no route to 10.0.0.1")
    stats = AirflowStats(log, dag_id="acme")
    for _ in range(3):
        stats.count("delivered", 1)
        stats.gauge("lag", 1.0)
    assert [record.getMessage() for record in caplog.records] == [
        "metrics cannot be told (OSError); the task goes on without"
    ]
