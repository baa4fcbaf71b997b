"""Send one partition of a slice to Kinesis."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_netmera_kinesis.errors import ConfigurationError, SliceRefused
from airflow_netmera_kinesis.operators.lineage import facets_of, gather
from airflow_netmera_kinesis.operators.links import DeadLettersLink, KinesisStreamLink, keep_links
from airflow_netmera_kinesis.operators.stats import AirflowStats
from airflow_netmera_kinesis.operators.workplace import open_workplace, require_active, verdicts
from airflow_netmera_kinesis.quota import parse_quota

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context
    from airflow.providers.openlineage.extractors import OperatorLineage

    from airflow_netmera_kinesis.stages.lineage import Lineage

DEFAULT_CONN_ID = "netmera_kinesis_default"
MAX_CONCURRENCY = 256


class KinesisHookSenderOperator(BaseOperator):
    """Write what is staged for one user partition with PutRecords, each user's records in order; return the counts.

    A task that is tried again goes on where the last try stopped: what is in the ledger is not sent again. All streams
    of the partition are sent side by side.

    :param partition: one of the references that :class:`GateSliceOperator` returned: ``{"slice": id, "partition": n}``
    :param exports: as for plan: the state is kept for each place of exports (templated)
    :param staging: URI of the working folder that all workers share (templated)
    :param state: URI of the durable folder (templated)
    :param max_dead_letters: how many of a hook's firings may be set aside, such as ``1%, 100`` (templated)
    :param concurrency: requests on their way at a time, for each stream (templated)
    :param stall_timeout: fail after so many seconds without a single delivered record, for each stream (templated)
    :param netmera_kinesis_conn_id: id of the connection of type netmera_kinesis (templated)
    """

    template_fields: Sequence[str] = (
        "partition",
        "exports",
        "staging",
        "state",
        "max_dead_letters",
        "concurrency",
        "stall_timeout",
        "netmera_kinesis_conn_id",
    )

    operator_extra_links = (KinesisStreamLink(), DeadLettersLink())

    def __init__(
        self,
        *,
        partition: Any,
        exports: str | None = None,
        staging: str | None = None,
        state: str | None = None,
        max_dead_letters: str | int = "1%, 100",
        concurrency: int | str = 8,
        stall_timeout: float | str = 900,
        netmera_kinesis_conn_id: str = DEFAULT_CONN_ID,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.partition = partition
        self.exports = exports
        self.staging = staging
        self.state = state
        self.max_dead_letters = max_dead_letters
        self.concurrency = concurrency
        self.stall_timeout = stall_timeout
        self.netmera_kinesis_conn_id = netmera_kinesis_conn_id
        # Made when it is needed: Airflow copies operators, and an event cannot be copied.
        self._stop: threading.Event | None = None
        self._lineage: Lineage | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        from airflow_netmera_kinesis import plan_request as read
        from airflow_netmera_kinesis.connection import NetmeraKinesisConnection
        from airflow_netmera_kinesis.stages.lineage import lineage_of_partition
        from airflow_netmera_kinesis.stages.send import send_partition
        from airflow_netmera_kinesis.stages.stream import SendSettings
        from airflow_netmera_kinesis.state.slice import load_slice

        self._stop = threading.Event()
        with verdicts():
            require_active(self.netmera_kinesis_conn_id)
            slice_id, partition = partition_of_slice(self.partition)
            at = open_workplace(context, exports=self.exports, staging=self.staging, state=self.state)
            with suppress(SliceRefused):  # which sending tells better
                keep_links(context, load_slice(at.state, slice_id), at.state.uri)
            settings = SendSettings(
                concurrency=read.whole_number(self.concurrency, "concurrency", MAX_CONCURRENCY),
                stall_timeout=read.milliseconds(self.stall_timeout, "stall_timeout") / 1000,
                max_dead_letters=parse_quota(self.max_dead_letters, "max_dead_letters"),
            )
            counts = send_partition(
                at.state,
                at.staging,
                slice_id,
                partition,
                settings,
                connect=lambda: NetmeraKinesisConnection(self.netmera_kinesis_conn_id),
                stop=self._stop,
                who=at.who,
                log=self.log,
                metrics=AirflowStats(self.log, dag_id=context["ti"].dag_id),
            )
            self._lineage = gather(lambda: lineage_of_partition(at.state, slice_id, partition), self.log)
        return {"slice": slice_id, "partition": partition, **counts}

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> OperatorLineage[Any, Any] | None:
        """Name the streams that were written."""
        return facets_of(self._lineage)

    def on_kill(self) -> None:
        """Send nothing more, and let the answers that are still due reach the ledger."""
        if self._stop is not None:
            self._stop.set()


def partition_of_slice(reference: Any) -> tuple[str, int]:
    """Read what the gate returned for one send task."""
    if isinstance(reference, Mapping):
        slice_id, partition = reference.get("slice"), reference.get("partition")
        if isinstance(slice_id, str) and isinstance(partition, int):
            return slice_id, partition
    raise ConfigurationError(
        f"partition is {reference!r}; allowed: one of the references that GateSliceOperator returns, mapped by expand"
    )
