"""Decide which of the listed files a new slice takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo

import msgspec

from airflow_netmera_kinesis.exports.change import looks_untouched, what_is_new
from airflow_netmera_kinesis.exports.listing import is_older, sending_order
from airflow_netmera_kinesis.exports.settling import Clock, Settling
from airflow_netmera_kinesis.state.checkpoint import Consumed
from airflow_netmera_kinesis.state.plan_memory import PlanMemory
from airflow_netmera_kinesis.state.slice import ExportFile
from airflow_netmera_kinesis.storage import FileInfo, ReadableFolder


class Rules(msgspec.Struct, frozen=True):
    """What a run takes: at most ``max_files``, none older than ``start_after``, none younger than ``min_age_ms``."""

    max_files: int
    start_after: datetime | None
    min_age_ms: int
    zone: tzinfo


class Selection(msgspec.Struct, frozen=True):
    """The files to send, in order; the files that hold nothing new; and how many were left, by reason."""

    files: tuple[ExportFile, ...]
    known: tuple[ExportFile, ...]
    left: Mapping[str, int]
    memory: PlanMemory


def select(
    folder: ReadableFolder,
    listed: Iterable[FileInfo],
    manifest: Mapping[str, Consumed],
    memory: PlanMemory,
    rules: Rules,
    clock: Clock | None,
) -> Selection:
    """Take the oldest files that are new, or have something new; ``clock`` is needed where ``min_age`` is not 0.

    Only a file whose listing changed since it was sent is read, once: to compare the part that was sent.
    """
    selecting = _Selecting(folder, manifest, memory, rules, clock)
    for info in sorted(listed, key=lambda info: sending_order(info, rules.zone)):
        selecting.consider(info)
    return selecting.done()


class _Selecting:
    def __init__(
        self,
        folder: ReadableFolder,
        manifest: Mapping[str, Consumed],
        memory: PlanMemory,
        rules: Rules,
        clock: Clock | None,
    ) -> None:
        self._folder, self._manifest, self._memory, self._rules = folder, manifest, memory, rules
        self._settling = Settling(folder, memory, clock, rules.min_age_ms) if clock else None
        self._files: list[ExportFile] = []
        self._known: dict[str, ExportFile] = {}
        self._left: Counter[str] = Counter()

    def consider(self, info: FileInfo) -> None:
        sent = self._manifest.get(info.name)
        reason = self._reason_to_leave(info, sent)
        if reason is not None:
            self._left[reason] += 1
            return
        new = what_is_new(self._folder, info, sent) if sent else _whole(info)
        if new is None:
            self._known[info.name] = _whole(info)
            self._left["sent before"] += 1
        else:
            self._files.append(new)

    def done(self) -> Selection:
        settling = self._settling
        memory = PlanMemory(settling.sizes if settling else {}, self._known, settling.seen if settling else {})
        return Selection(tuple(self._files), tuple(self._known.values()), dict(self._left), memory)

    def _reason_to_leave(self, info: FileInfo, sent: Consumed | None) -> str | None:
        """Ask first what costs nothing."""
        if sent and looks_untouched(info, sent.size, sent.modified_ms, sent.etag):
            return "sent before"
        if sent and self._memory.is_known(info):
            self._known[info.name] = _whole(info)
            return "sent before"
        if self._rules.start_after and is_older(info, self._rules.start_after, self._rules.zone):
            return "older than start_after"
        if self._settling and (reason := self._settling.reason_to_wait(info)):
            return reason
        if len(self._files) >= self._rules.max_files:
            return "beyond max_files"
        if self._settling and self._settling.may_still_grow(info):
            return "waiting for a last newline"
        return None


def _whole(info: FileInfo) -> ExportFile:
    return ExportFile(info.name, info.size, info.modified_ms, info.etag)
