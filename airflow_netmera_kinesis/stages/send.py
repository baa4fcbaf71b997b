"""Send one partition of a slice: all its streams side by side, until every record is delivered or a dead letter."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait

from airflow_netmera_kinesis.delivery.sharing import send_task
from airflow_netmera_kinesis.delivery.stream_description import addresses_of
from airflow_netmera_kinesis.errors import ConfigurationError, StreamRefused
from airflow_netmera_kinesis.log import Log
from airflow_netmera_kinesis.metrics import NO_METRICS, Metrics
from airflow_netmera_kinesis.stages.renewal import Connector, Renewal
from airflow_netmera_kinesis.stages.stream import Sending, SendSettings, send_stream
from airflow_netmera_kinesis.stages.stream_check import check_streams
from airflow_netmera_kinesis.stages.working import working_on
from airflow_netmera_kinesis.state.ledger import LedgerCounts, done_counts
from airflow_netmera_kinesis.state.match_result import load_result
from airflow_netmera_kinesis.state.slice import Slice, load_slice
from airflow_netmera_kinesis.state.staging import PartRef
from airflow_netmera_kinesis.storage import Folder


def send_partition(
    state: Folder,
    staging: Folder,
    slice_id: str,
    partition: int,
    settings: SendSettings,
    *,
    connect: Callable[[], Connector],
    stop: threading.Event,
    who: str,
    log: Log,
    metrics: Metrics = NO_METRICS,
) -> dict[str, int]:
    """Deliver what is staged for a partition and not settled yet; return the counts of the whole partition.

    One stream that fails does not keep the others from finishing. ``who`` tells others who holds the partition.
    ``metrics`` are told what this try does, and nothing of what earlier ones did.

    :raises DeliveryError: what Kinesis did not take, for the first stream that failed
    :raises StagingError: a part is missing, cut short or changed
    :raises LeaseTaken: somebody else sends this partition
    """
    with working_on(state, slice_id, send_task(partition), who) as lease:
        current = load_slice(state, slice_id)
        parts = _parts_of(staging, current, partition)
        todo = {name: refs for name, refs in parts.items() if done_counts(state, slice_id, name, partition) is None}
        if todo:
            renewal = Renewal(connect, lambda connector: _check_target(current, connector), log)
            renewal.ask(lambda connector: check_streams(state, current, connector.get_conn()))
            addresses = addresses_of(current.hooks)
            sendings = [
                Sending(
                    current, name, partition, refs, addresses[name], state, staging,
                    settings, renewal, lease.check, stop.is_set, log, metrics,
                )
                for name, refs in todo.items()
            ]  # fmt: skip
            _send_all(sendings, stop, log)
        return _count(state, slice_id, partition, parts)


def _parts_of(staging: Folder, current: Slice, partition: int) -> dict[str, list[PartRef]]:
    parts: dict[str, list[PartRef]] = {}
    for group in range(len(current.groups)):
        for part in load_result(staging, current.id, group).parts:
            if part.partition == partition:
                parts.setdefault(part.stream, []).append(part)
    for refs in parts.values():
        refs.sort(key=lambda part: part.group)
    return parts


def _check_target(current: Slice, connector: Connector) -> None:
    """A slice is finished where it was begun: its records must not end in two regions. Nor while it is switched off."""
    if not connector.settings.active:
        raise StreamRefused(
            f"the connector was switched off while slice {current.id} was sent: what was delivered is in the ledger, "
            "and the rest waits until its extra 'active' is true"
        )
    asked = (connector.settings.region, connector.settings.endpoint_url or "")
    frozen = (current.target.region, current.target.endpoint_url)
    if asked != frozen:
        raise ConfigurationError(
            f"slice {current.id} was begun for {' '.join(frozen).strip()}, but the connection now says "
            f"{' '.join(asked).strip()}: set the connection back until the slice is committed, or run once with "
            f"abandon_slice={current.id}"
        )


def _send_all(sendings: list[Sending], stop: threading.Event, log: Log) -> None:
    with ThreadPoolExecutor(len(sendings), thread_name_prefix="stream") as threads:
        running = {threads.submit(send_stream, sending): sending.stream for sending in sendings}
        try:
            wait(running)
        except BaseException:
            # The task is asked to end: let what is on its way arrive, so that the ledger knows of it.
            stop.set()
            raise
    _raise_first(running, log)


def _raise_first(finished: Mapping[Future[None], str], log: Log) -> None:
    failures = [error for future in finished if (error := future.exception()) is not None]
    for failure in failures[1:]:
        log.warning("also failed: %s", failure)
    if failures:
        raise failures[0]


def _count(state: Folder, slice_id: str, partition: int, parts: Mapping[str, list[PartRef]]) -> dict[str, int]:
    done = [done_counts(state, slice_id, stream, partition) or LedgerCounts() for stream in parts]
    return {
        "staged": sum(part.records for refs in parts.values() for part in refs),
        "delivered": sum(sum(counts.delivered.values()) + sum(counts.carried.values()) for counts in done),
        "dead_letters": sum(sum(counts.dead.values()) for counts in done),
        "unknown": sum(counts.unknown for counts in done),
    }
