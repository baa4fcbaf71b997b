"""Hand what a task counts on to Airflow's metrics: StatsD, Datadog or OpenTelemetry, whichever is set up there."""

from __future__ import annotations

from typing import Any

from airflow_netmera_kinesis.log import Log
from airflow_netmera_kinesis.metrics import EVERY_SECONDS

PREFIX = "netmera_kinesis."


class AirflowStats:
    """Metrics of one task; ``tags`` stand on each beside its own. Whoever collects them may be down: nothing fails."""

    every_seconds = EVERY_SECONDS

    def __init__(self, log: Log, **tags: str) -> None:
        self._log, self._tags = log, tags
        self._failed = False

    def count(self, name: str, more: int, **tags: str) -> None:
        """Add to a counter."""
        self._tell("incr", name, more, tags)

    def gauge(self, name: str, value: float, **tags: str) -> None:
        """Set a gauge."""
        self._tell("gauge", name, value, tags)

    def _tell(self, how: str, name: str, value: float, tags: dict[str, Any]) -> None:
        from airflow.providers.common.compat.sdk import Stats

        try:
            getattr(Stats, how)(f"{PREFIX}{name}", value, tags={**self._tags, **tags})
        except Exception as error:  # noqa: BLE001 - whatever it is, a task does not fail for its metrics
            if not self._failed:
                self._log.warning("metrics cannot be told (%s); the task goes on without", type(error).__name__)
            self._failed = True
