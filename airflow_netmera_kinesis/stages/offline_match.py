"""Read exports and match them as a run would, without slice, staging or state: for trials and forecasts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from airflow_netmera_kinesis.errors import ExportError
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.exports.reading import Export
from airflow_netmera_kinesis.netmera.hashing import NO_KEYS, HashKeys
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition
from airflow_netmera_kinesis.stages.file_match import DeadLetters, FileMatch, Records, Tally
from airflow_netmera_kinesis.state.match_result import FileResult, HookResult
from airflow_netmera_kinesis.state.slice import ExportFile, Slice, Target
from airflow_netmera_kinesis.storage import FileInfo, ReadableFolder


class Damaged(msgspec.Struct, frozen=True):
    """A file that cannot be read to its end, and why; the records before that place were made all the same."""

    file: str
    why: str


class OfflineMatch(msgspec.Struct, frozen=True):
    """What was read, by file (of a damaged one: until there), and how each active hook's firings ended."""

    files: tuple[FileResult, ...]
    damaged: tuple[Damaged, ...]
    hooks: tuple[HookResult, ...]


def match_offline(
    folder: ReadableFolder,
    files: Sequence[FileInfo],
    hooks: tuple[HookDefinition, ...],
    export_format: ExportFormat,
    records: Records,
    dead_letters: DeadLetters,
    *,
    partitions: int,
    max_record_bytes: int,
    advance: Callable[[int], None],
    keys: HashKeys = NO_KEYS,
) -> OfflineMatch:
    """Hand every record and every dead letter on; ``advance`` is told the bytes of each file that is done."""
    current = _slice_of(folder.uri, files, hooks, export_format, partitions)
    tally = Tally(current, lambda _: max_record_bytes, keys)
    read: list[FileResult] = []
    damaged: list[Damaged] = []
    for index, info in enumerate(files):
        with folder.open(info.name) as file:
            match = FileMatch(tally, index, Export(file, info.name, info.size, export_format), records, dead_letters)
            try:
                read.append(match.result())
            except ExportError as error:
                damaged.append(Damaged(info.name, str(error).removeprefix(f"{info.name}: ")))
                read.append(match.so_far(damaged[-1].why))
        advance(info.size)
    return OfflineMatch(tuple(read), tuple(damaged), tally.hook_results())


def _slice_of(
    exports: str,
    files: Sequence[FileInfo],
    hooks: tuple[HookDefinition, ...],
    export_format: ExportFormat,
    partitions: int,
) -> Slice:
    """Make a slice that nobody opens."""
    return Slice(
        id="",
        exports=exports,
        files=tuple(ExportFile(info.name, info.size, info.modified_ms) for info in files),
        groups=(),
        hooks=hooks,
        export_format=export_format,
        partitions=partitions,
        order="file",
        target=Target(""),
        predecessor="",
        created_ms=0,
    )
