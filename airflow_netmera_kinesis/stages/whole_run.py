"""Do a whole run in one process, in the order of the DAG: plan, match, gate, send, commit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Protocol

import msgspec

from airflow_netmera_kinesis.exports.listing import ExportPlace
from airflow_netmera_kinesis.log import Log
from airflow_netmera_kinesis.metrics import DEAD_LETTERS, DELIVERED
from airflow_netmera_kinesis.netmera.hashing import HashKeys
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition
from airflow_netmera_kinesis.plan_request import PlanRequest
from airflow_netmera_kinesis.stages.commit import commit
from airflow_netmera_kinesis.stages.firing import RecordLimit
from airflow_netmera_kinesis.stages.gate import Limits, load_matched, pass_gate
from airflow_netmera_kinesis.stages.match import match_group
from airflow_netmera_kinesis.stages.plan import plan
from airflow_netmera_kinesis.stages.renewal import Connector
from airflow_netmera_kinesis.stages.send import send_partition
from airflow_netmera_kinesis.stages.stream import SendSettings
from airflow_netmera_kinesis.state.slice import Slice
from airflow_netmera_kinesis.storage import Folder, ReadableFolder


class Committed(msgspec.Struct, frozen=True):
    """A slice that a run has sent, and its counts."""

    slice: str
    counts: Mapping[str, int]


class Watch(Protocol):
    """Is told how far a run is: bytes of exports while matching, records while sending."""

    def begin(self, stage: str, total: int | None) -> None: ...

    def advance(self, done: int) -> None: ...


class _Settled:
    """Tell the watch of the records that a send is done with."""

    every_seconds = 0.5

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def count(self, name: str, more: int, **tags: str) -> None:
        if name in (DELIVERED, DEAD_LETTERS):
            self._watch.advance(more)

    def gauge(self, name: str, value: float, **tags: str) -> None:
        """A bar shows no gauge."""


class PlannedRun(msgspec.Struct, frozen=True):
    """What every stage after plan needs; ``who`` tells others who holds a lease.

    A stage that fails raises as it does in a task, and so does Ctrl-C: what is delivered by then is in the ledger, and
    the next run goes on from there.
    """

    state: Folder
    staging: Folder
    exports: ReadableFolder
    limits: Limits
    settings: SendSettings
    connect: Callable[[], Connector]
    limit_of: RecordLimit
    keys_of: Callable[[Sequence[HookDefinition]], HashKeys]
    receipts: bool
    who: str
    log: Log
    watch: Watch

    def finish(self, planned: Slice) -> Committed:
        """Match, send and commit a slice."""
        self._match(planned)
        pass_gate(self.state, self.staging, planned.id, self.limits, self.log)
        self._send(planned)
        self.watch.begin("Committing", None)
        allowed = self.limits.max_dead_letters
        counts = commit(self.state, self.staging, planned.id, allowed, self.who, self.log, keep_receipts=self.receipts)
        return Committed(planned.id, counts)

    def _match(self, planned: Slice) -> None:
        self.watch.begin("Matching", sum(file.size for file in planned.files))
        for group, files in enumerate(planned.groups):
            match_group(
                self.state, self.staging, self.exports, planned.id, group, self.who, self.log, self.limit_of,
                self.keys_of,
            )  # fmt: skip
            self.watch.advance(sum(planned.files[index].size for index in files))

    def _send(self, planned: Slice) -> None:
        matched = load_matched(self.state, planned.id)
        self.watch.begin("Sending", matched.counts["staged"] if matched else None)
        stop, metrics = threading.Event(), _Settled(self.watch)

        def send(partition: int) -> None:
            send_partition(
                self.state, self.staging, planned.id, partition, self.settings,
                connect=self.connect, stop=stop, who=self.who, log=self.log, metrics=metrics,
            )  # fmt: skip

        with ThreadPoolExecutor(planned.partitions, thread_name_prefix="partition") as threads:
            running = [threads.submit(send, partition) for partition in range(planned.partitions)]
            try:
                wait(running)
            except BaseException:
                stop.set()  # let what is on its way arrive, so that the ledger knows of it
                raise
        for partition in running:
            partition.result()


def send_what_is_new(run: PlannedRun, place: ExportPlace, request: PlanRequest) -> Committed | None:
    """Plan a slice and send it; None if there is nothing new."""
    run.watch.begin("Planning", None)
    planned = plan(run.state, run.staging, place, request, run.who, run.log)
    return run.finish(planned) if planned else None
