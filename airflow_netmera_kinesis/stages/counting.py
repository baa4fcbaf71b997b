"""Count what matching files would send, and stage, send and write nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import msgspec

from airflow_netmera_kinesis.errors import ExportError
from airflow_netmera_kinesis.exports.reading import Export
from airflow_netmera_kinesis.log import Log
from airflow_netmera_kinesis.netmera.hashing import HashKeys
from airflow_netmera_kinesis.record import StagedRecord
from airflow_netmera_kinesis.stages.file_match import FileMatch, Tally
from airflow_netmera_kinesis.stages.firing import RecordLimit
from airflow_netmera_kinesis.state.dead_letter import DeadLetter
from airflow_netmera_kinesis.state.match_result import FileResult, HookResult
from airflow_netmera_kinesis.state.slice import Slice


class Counted(msgspec.Struct, frozen=True):
    """What a slice would come to; ``damaged`` files as far as they can be read. ``users`` is 0 unless asked for."""

    files: tuple[FileResult, ...]
    hooks: tuple[HookResult, ...]
    bytes: int
    damaged: tuple[str, ...] = ()
    users: int = 0

    def summary(self) -> dict[str, Any]:
        """Return counts alone, such as XCom may hold: read = malformed + events."""
        return {
            "files": len(self.files) + len(self.damaged),
            "damaged": len(self.damaged),
            "bytes": self.bytes,
            "read": sum(file.lines for file in self.files),
            "malformed": sum(file.malformed for file in self.files),
            "events": sum(file.events for file in self.files),
            "matches": sum(hook.firings for hook in self.hooks),
            "hooks": {
                hook.name: {"matches": hook.firings, "records": hook.staged, "dead_letters": dict(hook.dead)}
                for hook in self.hooks
            },
        }


class _Users:
    """Stand where records are staged, and keep no more of each than whose it is."""

    def __init__(self, *, counts: bool) -> None:
        self.found: set[bytes] = set()
        self._counts = counts

    def write(self, stream: str, partition: int, record: StagedRecord) -> None:
        if self._counts:
            self.found.add(hashlib.blake2b(record.key.encode(), digest_size=8).digest())


class _NoLetters:
    """Stand where dead letters are written: the hooks count them."""

    def write(self, letter: DeadLetter) -> None:
        """Keep nothing."""


def count(
    current: Slice,
    opened: Callable[[int], AbstractContextManager[Export]],
    limit_of: RecordLimit,
    keys: HashKeys,
    *,
    matching: type[FileMatch] = FileMatch,
    users: bool = False,
) -> Counted:
    """Read and match every file of a slice, which need not be open."""
    tally, records = Tally(current, limit_of, keys), _Users(counts=users)
    files: list[FileResult] = []
    damaged: list[str] = []
    for index, file in enumerate(current.files):
        with opened(index) as export:
            try:
                files.append(matching(tally, index, export, records, _NoLetters()).result())
            except ExportError as error:
                damaged.append(str(error) if str(error).startswith(file.name) else f"{file.name}: {error}")
    size = sum(file.size for file in current.files)
    return Counted(tuple(files), tally.hook_results(), size, tuple(damaged), len(records.found))


def tell(counted: Counted, log: Log) -> None:
    """Log the counts, a line for each hook."""
    counts = counted.summary()
    log.info(
        "files %d, bytes %d: read %d = malformed %d + events %d; matches %d",
        counts["files"], counts["bytes"], counts["read"], counts["malformed"], counts["events"], counts["matches"],
    )  # fmt: skip
    for hook in counted.hooks:
        dead = ", ".join(f"{reason} {count}" for reason, count in sorted(hook.dead.items())) or "none"
        log.info("hook %s: matches %d, records %d, dead letters: %s", hook.name, hook.firings, hook.staged, dead)
    for file in counted.damaged:
        log.warning("damaged as a whole, and not counted to its end: %s", file)
