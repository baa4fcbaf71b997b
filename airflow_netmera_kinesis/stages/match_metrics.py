"""Tell what matching a group has done, once its result is saved: a group that was matched before tells nothing."""

from __future__ import annotations

from airflow_netmera_kinesis.metrics import DEAD_LETTERS, EVENTS_READ, MATCHED, Metrics
from airflow_netmera_kinesis.state.dead_letter import Reason
from airflow_netmera_kinesis.state.match_result import MatchResult
from airflow_netmera_kinesis.state.slice import Slice


def tell_matched(metrics: Metrics, current: Slice, result: MatchResult) -> None:
    """Count events by nothing, what a hook has done by hook and stream, and dead letters by their reason too."""
    metrics.count(EVENTS_READ, sum(file.events for file in result.files))
    malformed = sum(file.malformed for file in result.files)
    if malformed:
        metrics.count(DEAD_LETTERS, malformed, reason=Reason.MALFORMED.value)
    for hook in result.hooks:
        tags = {"hook": hook.name, "stream": current.hooks[hook.hook].stream}
        if hook.firings:
            metrics.count(MATCHED, hook.firings, **tags)
        for reason, count in hook.dead.items():
            metrics.count(DEAD_LETTERS, count, **tags, reason=reason)
