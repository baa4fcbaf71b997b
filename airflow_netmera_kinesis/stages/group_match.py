"""Match the files of a group, and none of a file that turns out to be damaged as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from airflow_netmera_kinesis.errors import ExportChanged, ExportError
from airflow_netmera_kinesis.exports.change import looks_untouched
from airflow_netmera_kinesis.exports.reading import Export
from airflow_netmera_kinesis.netmera.hashing import HashKeys
from airflow_netmera_kinesis.stages.file_match import FileMatch, Tally
from airflow_netmera_kinesis.stages.firing import RecordLimit
from airflow_netmera_kinesis.stages.letter_export import LetterExport
from airflow_netmera_kinesis.stages.letter_match import LetterMatch
from airflow_netmera_kinesis.stages.parts import Parts
from airflow_netmera_kinesis.state.dead_letter import DeadLetterWriter
from airflow_netmera_kinesis.state.lease import Lease
from airflow_netmera_kinesis.state.match_result import FileResult, MatchResult
from airflow_netmera_kinesis.state.slice import ExportFile, Purpose, Slice
from airflow_netmera_kinesis.state.staging import PartRef
from airflow_netmera_kinesis.storage import Folder, ReadableFolder


class GroupMatch:
    """One group's way from its files to a result."""

    def __init__(
        self,
        current: Slice,
        group: int,
        state: Folder,
        staging: Folder,
        exports: ReadableFolder,
        limit_of: RecordLimit,
        keys: HashKeys,
    ) -> None:
        self._current, self._group, self._limit_of, self._keys = current, group, limit_of, keys
        self._state, self._staging, self._exports = state, staging, exports
        replays = current.purpose is Purpose.REPLAY
        self._reading, self._matching = (LetterExport, LetterMatch) if replays else (Export, FileMatch)

    def result(self, lease: Lease) -> MatchResult:
        """Begin again without the damaged files once one is found: its first records stand among others by then."""
        damaged: dict[int, FileResult] = {}
        while True:
            try:
                return self._try(damaged, lease)
            except _Damaged as found:  # noqa: PERF203 - rare, and then the rest is looked through in one go
                damaged |= self._damaged_from(found.file)

    def _damaged_from(self, first: FileResult) -> dict[int, FileResult]:
        """Return the damaged file that was found, and all those after it in the group."""
        damaged = {first.file: first}
        indexes = self._current.groups[self._group]
        for index in indexes[indexes.index(first.file) + 1 :]:
            with self._opened(index) as export:
                try:
                    for _ in export.chunks():
                        pass
                except ExportError as error:
                    damaged[index] = self._set_aside(index, export, error)
        return damaged

    def _try(self, damaged: Mapping[int, FileResult], lease: Lease) -> MatchResult:
        tally = Tally(self._current, self._limit_of, self._keys)
        files: list[FileResult] = []
        parts: list[PartRef] = []
        with DeadLetterWriter(self._state, self._current.id, self._group) as dead_letters:
            for number, indexes in self._units():
                with Parts(self._staging, self._current.id, number) as unit:
                    for index in indexes:
                        lease.check()
                        files.append(damaged.get(index) or self._file(tally, index, unit, dead_letters))
                parts.extend(unit.refs())
        return MatchResult(self._current.id, self._group, tuple(files), tally.hook_results(), tuple(parts))

    def _units(self) -> Iterator[tuple[int, Sequence[int]]]:
        """Yield what shares its parts: the files of a group, or each file alone where they are merged by time later."""
        indexes = self._current.groups[self._group]
        if self._current.order == "timestamp":
            return ((index, [index]) for index in indexes)
        return iter([(self._group, indexes)])

    def _file(self, tally: Tally, index: int, parts: Parts, dead_letters: DeadLetterWriter) -> FileResult:
        with self._opened(index) as export:
            try:
                return self._matching(tally, index, export, parts, dead_letters).result()
            except ExportError as error:
                raise _Damaged(self._set_aside(index, export, error)) from error

    @contextmanager
    def _opened(self, index: int) -> Iterator[Export]:
        planned = self._current.files[index]
        _require_unchanged(self._exports, planned)
        with self._exports.open(planned.name) as file:
            by_time = self._current.order == "timestamp"
            yield self._reading(file, planned.name, planned.size, self._current.export_format, by_time=by_time)

    def _set_aside(self, index: int, export: Export, error: ExportError) -> FileResult:
        if isinstance(error, ExportChanged):
            raise error
        name = self._current.files[index].name
        why = str(error).removeprefix(f"{name}: ")
        return FileResult(index, name, 0, 0, 0, export.digest(), set_aside=why)


class _Damaged(Exception):
    """A file turned out to be damaged as a whole after some of its records had been staged."""

    def __init__(self, file: FileResult) -> None:
        self.file = file


def _require_unchanged(exports: ReadableFolder, planned: ExportFile) -> None:
    """A file that has grown since is read as far as it was planned; its tail is the next slice's."""
    try:
        now = exports.info(planned.name)
    except FileNotFoundError:
        raise ExportChanged(
            f"{exports.uri}/{planned.name} vanished after it had been planned: put it back, or start a new run"
        ) from None
    grew = now.size > planned.size
    if not grew and not looks_untouched(now, planned.size, planned.modified_ms, planned.etag):
        raise ExportChanged(
            f"{exports.uri}/{planned.name} changed after it had been planned (it has {now.size} bytes, planned were "
            f"{planned.size}): start a new run, which plans it anew"
        )
