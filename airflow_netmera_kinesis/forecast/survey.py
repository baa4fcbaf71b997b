"""Read exports and match them, as a run would, and measure the records instead of staging them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

import msgspec

from airflow_netmera_kinesis.errors import ExportError
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.exports.reading import Export
from airflow_netmera_kinesis.forecast.stream_load import BUCKETS, StreamLoad
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition
from airflow_netmera_kinesis.record import StagedRecord
from airflow_netmera_kinesis.stages.file_match import FileMatch, Tally
from airflow_netmera_kinesis.state.dead_letter import DeadLetter
from airflow_netmera_kinesis.state.match_result import HookResult
from airflow_netmera_kinesis.state.slice import ExportFile, Slice, Target
from airflow_netmera_kinesis.storage import FileInfo, Folder


class Damaged(msgspec.Struct, frozen=True):
    """A file that cannot be read to its end, and why; what could be read of it is counted."""

    file: str
    why: str


class Survey(msgspec.Struct):
    """What was found; times are of the matched events, in milliseconds."""

    hooks: tuple[HookResult, ...]
    streams: dict[str, StreamLoad]
    files: int = 0
    bytes: int = 0
    read: int = 0
    malformed: int = 0
    events: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    unmatched: Counter[str] = msgspec.field(default_factory=Counter)
    damaged: list[Damaged] = []


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
    folder: Folder,
    files: Iterable[FileInfo],
    hooks: tuple[HookDefinition, ...],
    export_format: ExportFormat,
    max_record_bytes: int,
    advance: Callable[[int], None],
) -> Survey:
    """Read every file once; ``advance`` is told the bytes of each that is done."""
    listed = tuple(files)
    current = _slice_of(folder.uri, listed, hooks, export_format)
    tally = Tally(current, lambda _: max_record_bytes)
    scales = _Scales(hook.stream for hook in hooks if hook.active)
    found = Survey((), scales.loads)
    for index, info in enumerate(listed):
        with folder.open(info.name) as file:
            _add(
                found, FileMatch(tally, index, Export(file, info.name, info.size, export_format), scales, _NoLetters())
            )
        found.files += 1
        found.bytes += info.size
        advance(info.size)
    found.hooks = tally.hook_results()
    found.first_ms, found.last_ms = scales.first_ms, scales.last_ms
    return found


def _add(found: Survey, match: FileMatch) -> None:
    try:
        result = match.result()
    except ExportError as error:
        name, _, why = str(error).partition(": ")
        found.damaged.append(Damaged(name, why))
        return
    found.read += result.lines
    found.malformed += result.malformed
    found.events += result.events
    found.unmatched.update(result.unmatched)


def _slice_of(
    exports: str, files: tuple[FileInfo, ...], hooks: tuple[HookDefinition, ...], export_format: ExportFormat
) -> Slice:
    """Make a slice that nobody opens, whose partitions are the places in the hash space."""
    return Slice(
        id="",
        exports=exports,
        files=tuple(ExportFile(info.name, info.size, info.modified_ms) for info in files),
        groups=(),
        hooks=hooks,
        export_format=export_format,
        partitions=BUCKETS,
        order="file",
        target=Target(""),
        predecessor="",
        created_ms=0,
    )
