"""Match exports as a run would, and weigh the records instead of staging them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import msgspec

from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.forecast.stream_load import BUCKETS, StreamLoad
from airflow_netmera_kinesis.netmera.hashing import stand_in_keys
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition
from airflow_netmera_kinesis.netmera.payload_rules import OnOversize, Oversize
from airflow_netmera_kinesis.record import StagedRecord
from airflow_netmera_kinesis.stages.offline_match import Damaged, match_offline
from airflow_netmera_kinesis.state.dead_letter import DeadLetter
from airflow_netmera_kinesis.state.match_result import HookResult
from airflow_netmera_kinesis.storage import FileInfo, ReadableFolder


class Survey(msgspec.Struct, frozen=True):
    """What was found; times are of the matched events, in milliseconds."""

    hooks: tuple[HookResult, ...]
    streams: dict[str, StreamLoad]
    first_ms: int | None = None
    last_ms: int | None = None
    files: int = 0
    bytes: int = 0
    read: int = 0
    malformed: int = 0
    events: int = 0
    unmatched: Counter[str] = msgspec.field(default_factory=Counter)
    damaged: tuple[Damaged, ...] = ()


class _Scales:
    """Stand where the parts of a run stand: every record is weighed, and none is kept."""

    def __init__(self, streams: Iterable[str]) -> None:
        self.loads = {stream: StreamLoad() for stream in streams}
        self.first_ms: int | None = None
        self.last_ms: int | None = None

    def write(self, stream: str, partition: int, record: StagedRecord) -> None:
        key, time_ms = record.key, record.time_ms
        size = len(record.payload) + (len(key) if key.isascii() else len(key.encode()))
        self.loads[stream].add(partition, key, size)
        if time_ms is not None:
            if self.first_ms is None or time_ms < self.first_ms:
                self.first_ms = time_ms
            if self.last_ms is None or time_ms > self.last_ms:
                self.last_ms = time_ms


class _NoLetters:
    """Stand where the dead letters of a run are written: they are counted by the hooks, and kept by nobody."""

    def write(self, letter: DeadLetter) -> None:
        """Keep nothing."""


def survey(
    folder: ReadableFolder,
    files: Sequence[FileInfo],
    hooks: tuple[HookDefinition, ...],
    export_format: ExportFormat,
    max_record_bytes: int,
    advance: Callable[[int], None],
) -> Survey:
    """Read every file once; ``advance`` is told the bytes of each that is done.

    What is too large is counted, also where it would fail a run.
    """
    scales = _Scales(hook.stream for hook in hooks if hook.active)
    found = match_offline(
        folder,
        files,
        tuple(_counting(hook) for hook in hooks),
        export_format,
        scales,
        _NoLetters(),
        partitions=BUCKETS,  # so that a record's partition is its place in the hash space
        max_record_bytes=max_record_bytes,
        advance=advance,
        keys=stand_in_keys(hooks),
    )
    unmatched: Counter[str] = Counter()
    for file in found.files:
        unmatched.update(file.unmatched)
    return Survey(
        hooks=found.hooks,
        streams=scales.loads,
        first_ms=scales.first_ms,
        last_ms=scales.last_ms,
        files=len(files),
        bytes=sum(info.size for info in files),
        read=sum(file.lines for file in found.files),
        malformed=sum(file.malformed for file in found.files),
        events=sum(file.events for file in found.files),
        unmatched=unmatched,
        damaged=found.damaged,
    )


def _counting(hook: HookDefinition) -> HookDefinition:
    fails = hook.oversize.action is OnOversize.FAIL
    return msgspec.structs.replace(hook, oversize=Oversize()) if fails else hook
