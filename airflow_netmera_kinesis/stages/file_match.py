"""Follow the events of one file from its chunks to the records and the dead letters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal, Protocol

from airflow_netmera_kinesis.exports.chunk import Chunk, Unreadable, Wanted
from airflow_netmera_kinesis.exports.reading import Export
from airflow_netmera_kinesis.netmera.event import Event, Malformed, MessageLog
from airflow_netmera_kinesis.netmera.event_id import EventIds
from airflow_netmera_kinesis.netmera.fitting import Excess, fit
from airflow_netmera_kinesis.netmera.hashing import NO_KEYS, HashKeys
from airflow_netmera_kinesis.netmera.hook_definition import smallest_batches
from airflow_netmera_kinesis.netmera.matching import Matcher
from airflow_netmera_kinesis.netmera.partition_key import choose_hashed_key, choose_key, partition_of
from airflow_netmera_kinesis.netmera.payload import body_of
from airflow_netmera_kinesis.netmera.reshaping import CannotReshape
from airflow_netmera_kinesis.record import StagedRecord
from airflow_netmera_kinesis.stages.firing import HookFirings, RecordLimit
from airflow_netmera_kinesis.state.dead_letter import DeadLetter, Reason, event_fields
from airflow_netmera_kinesis.state.match_result import FileResult, HookResult
from airflow_netmera_kinesis.state.slice import Slice

REPORTED_CODES = 20
_COUNTED_CODES = 10_000


class Records(Protocol):
    """Takes each record that is made, with the stream and the partition that it belongs to."""

    def write(self, stream: str, partition: int, record: StagedRecord) -> None: ...


class DeadLetters(Protocol):
    """Takes each event that is set aside."""

    def write(self, letter: DeadLetter) -> None: ...


class Tally:
    """What the files of a group share: the matcher, and the counts of each active hook."""

    def __init__(self, current: Slice, limit_of: RecordLimit, keys: HashKeys = NO_KEYS) -> None:
        self.current = current
        self.partitions = current.partitions
        self.matcher = Matcher(current.hooks, current.export_format.names_to_codes)
        self.wanted = Wanted(self.matcher.codes, self.matcher.names)
        request_bytes = smallest_batches(current.hooks)
        self.hooks = {
            index: HookFirings(index, hook, limit_of, request_bytes[hook.stream].max_bytes, keys)
            for index, hook in enumerate(current.hooks)
            if hook.active
        }

    def hook_results(self) -> tuple[HookResult, ...]:
        return tuple(hook.result() for hook in self.hooks.values())


class FileMatch:
    """One file of a group. Raises ExportError where the file is damaged as a whole."""

    def __init__(self, tally: Tally, index: int, export: Export, records: Records, dead_letters: DeadLetters) -> None:
        self._tally, self._index, self._records, self._dead_letters = tally, index, records, dead_letters
        self._planned = tally.current.files[index]
        self._export = export
        self._ids = EventIds()
        self._skipped = self._malformed = self._events = 0
        self._unmatched: Counter[str | None] = Counter()

    def result(self) -> FileResult:
        """Match the whole file."""
        for chunk in self._export.chunks():
            self._take(chunk)
        return FileResult(
            self._index,
            self._planned.name,
            self._export.rows - self._skipped,
            self._malformed,
            self._events,
            self._export.digest(),
            self._export.last_line,
            self._export.open_end,
            unmatched={
                code: count for code, count in self._unmatched.most_common(REPORTED_CODES) if code and count > 0
            },
            notes=self._said("note"),
            warnings=self._said("warning"),
        )

    def so_far(self, why: str) -> FileResult:
        """Return what was counted of a file that is damaged further on."""
        read = self._malformed + self._events
        return FileResult(self._index, self._planned.name, read, self._malformed, self._events, "", set_aside=why)

    def _said(self, what: Literal["note", "warning"]) -> tuple[str, ...]:
        """Name the members of an archive that a note is of."""
        said = ((member, getattr(found, what)) for member, found in self._export.found())
        return tuple(f"{member} {text}" if member else text for member, text in said if text)

    def _take(self, chunk: Chunk) -> None:
        """Match a chunk. Lines that an earlier slice has sent are read for their ids' sake only."""
        skip = self._planned.skip_lines
        malformed = [line for line in chunk.malformed if line.line > skip]
        codes = chunk.codes()
        if skip:
            codes = [code for code, line in zip(codes, chunk.lines, strict=True) if line > skip]
        self._malformed += len(malformed)
        self._events += len(codes)
        self._skipped += len(chunk.lines) - len(codes) + len(chunk.malformed) - len(malformed)
        self._count_codes(codes)
        for line in malformed:
            self._set_line_aside(line)
        self._fire(chunk, skip)

    def _set_line_aside(self, line: Unreadable) -> None:
        letter = DeadLetter(Reason.MALFORMED, line.message, self._planned.name, line.line, **event_fields(line.source))
        self._dead_letters.write(letter)

    def _count_codes(self, codes: Sequence[str | None]) -> None:
        self._unmatched.update(codes)
        if len(self._unmatched) > _COUNTED_CODES:
            self._unmatched = Counter(dict(self._unmatched.most_common(_COUNTED_CODES // 10)))

    def _fire(self, chunk: Chunk, skip: int) -> None:
        matcher, lines = self._tally.matcher, chunk.lines
        for place in chunk.candidates(self._tally.wanted):
            try:
                event = chunk.event(place)
            except Malformed as error:
                self._take_back(Unreadable(lines[place], str(error), chunk.source(place)))
                continue
            fired = matcher.firings(event)
            if not fired:
                continue
            event_id = self._ids.id_of(event, chunk.row(place))
            if lines[place] <= skip:
                continue
            self._unmatched[event.event_name if event.event_code is None else event.event_code] -= 1
            body = body_of(event, matcher.code_of(event), event_id)
            for index in fired:
                self._stage(index, event, event_id, body, chunk, place)

    def _take_back(self, line: Unreadable) -> None:
        """Count as malformed what was counted as an event."""
        if line.line > self._planned.skip_lines:
            self._events -= 1
            self._malformed += 1
            self._set_line_aside(line)

    def _stage(
        self, index: int, event: Event | MessageLog, event_id: str, body: bytes, chunk: Chunk, place: int
    ) -> None:
        hook = self._tally.hooks[index]
        hook.firings += 1
        if hook.hash_key is None:
            key = choose_key(event, hook.key_fields)
        else:
            key = choose_hashed_key(event, hook.key_fields, hook.hash_key)
        if key is None:
            message = f"the event has no {' and no '.join(hook.key_fields)}"
            self._set_aside(hook, Reason.MISSING_USER_ID, message, event_id, chunk, place)
            return
        try:
            payload = hook.opening + (body if hook.reshape is None else hook.reshape(body))
        except CannotReshape as error:
            self._set_aside(hook, Reason.MALFORMED, str(error), event_id, chunk, place)
            return
        if excess := hook.excess(key, payload):
            fitted = self._fit(hook, key, payload, excess, chunk.lines[place])
            if isinstance(fitted, Excess):
                self._set_aside(hook, Reason.TOO_LARGE, str(fitted), event_id, chunk, place)
                return
            payload = fitted
        hook.staged += 1
        record = StagedRecord(self._index, chunk.lines[place], index, key, payload, event_id, event.time_ms)
        self._records.write(hook.stream, partition_of(key, self._tally.partitions), record)

    def _fit(self, hook: HookFirings, key: str, payload: bytes, excess: Excess, line: int) -> bytes | Excess:
        where = f"hook {hook.name}, {self._planned.name}, line {line}"
        return fit(payload, excess, hook.oversize, lambda less: hook.excess(key, less), where)

    def _set_aside(
        self, hook: HookFirings, reason: Reason, message: str, event_id: str, chunk: Chunk, place: int
    ) -> None:
        hook.set_aside(reason)
        letter = DeadLetter(
            reason,
            message,
            self._planned.name,
            chunk.lines[place],
            hook.name,
            hook.stream,
            event_id=event_id,
            **event_fields(chunk.source(place)),
        )
        self._dead_letters.write(letter)
