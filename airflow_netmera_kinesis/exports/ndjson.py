"""Read NDJSON fast: canonical lines decode at once into events whose nested parts are read no further."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
from pydantic_core import SchemaValidator, core_schema

from airflow_netmera_kinesis.errors import ExportError
from airflow_netmera_kinesis.exports.chunk import Chunk, GeneralChunk, Unreadable, Wanted
from airflow_netmera_kinesis.exports.content import Content, RewoundContent, read_exactly
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.exports.found import Found
from airflow_netmera_kinesis.exports.json_line import JsonLines
from airflow_netmera_kinesis.netmera.event import ABSENT, Event, Malformed, MessageLog
from airflow_netmera_kinesis.netmera.hook_definition import TriggerType
from airflow_netmera_kinesis.netmera.missing_value import NO_VALUE

CHUNK_BYTES = 64 * 1024  # fits the processor's cache with the events made of it
MAX_LINE_BYTES = 64 * 1024 * 1024  # memory stays flat; a record that Kinesis takes is at most 10 MiB
_BOM = b"\xef\xbb\xbf"
_BRACE = ord("{")
_NUMBER = frozenset(b"-0123456789")
_decode = msgspec.json.Decoder(Event).decode
# Rust's check, five times as fast as bytes.decode: it makes no text.
_is_utf8 = SchemaValidator(core_schema.str_schema()).isinstance_python


class NdjsonReader:
    """Read a file's lines; its attributes are true of the file once all chunks were taken."""

    def __init__(self, content: Content, export_format: ExportFormat) -> None:
        head = read_exactly(content, len(_BOM))
        self._content = RewoundContent(head.removeprefix(_BOM), content)
        self._lines = JsonLines(export_format)
        # A canonical line that says nothing of its type is an event, and its time is a number.
        self._canonical = (
            export_format.record_type is TriggerType.EVENT
            and not export_format.constants
            and export_format.time_format is None
        )
        self.rows = 0
        self.last_line = 0
        self.open_end = False

    @property
    def found(self) -> Found:
        return Found("ndjson")

    def chunks(self) -> Iterator[Chunk]:
        for text in self._whole_lines():
            lines = text.split(b"\n")
            numbers = range(self.last_line + 1, self.last_line + 1 + len(lines))
            self.last_line += len(lines)
            chunk = self._chunk(text, numbers, lines)
            self.rows += len(chunk.lines) + len(chunk.malformed)
            yield chunk

    def _whole_lines(self) -> Iterator[bytes]:
        """Cut the content after line ends, whose last newline is left out."""
        waiting: list[bytes] = []
        waiting_bytes = 0
        while block := self._content.read(CHUNK_BYTES):
            head, newline, tail = block.rpartition(b"\n")
            if newline:
                yield b"".join([*waiting, head])
                waiting, waiting_bytes = [], 0
            waiting.append(tail)
            waiting_bytes += len(tail)
            if waiting_bytes > MAX_LINE_BYTES:
                raise ExportError(f"line {self.last_line + 1} is longer than {MAX_LINE_BYTES} bytes: not NDJSON")
        if rest := b"".join(waiting):
            self.open_end = not rest.endswith(b"\n")
            yield rest.removesuffix(b"\n")

    def _chunk(self, text: bytes, numbers: Sequence[int], lines: Sequence[bytes]) -> Chunk:
        canonical = self._canonical and (text.isascii() or _is_utf8(text))
        if canonical and (events := _decoded(lines)) is not None:
            return CanonicalChunk(numbers, lines, events, self.rows, self._lines)
        numbers, kept = _without_blank(numbers, lines)
        if canonical and len(kept) < len(lines) and (events := _decoded(kept)) is not None:
            return CanonicalChunk(numbers, kept, events, self.rows, self._lines)
        return self._general_chunk(numbers, kept)

    def _general_chunk(self, numbers: Sequence[int], lines: Sequence[bytes]) -> GeneralChunk[bytes]:
        chunk: GeneralChunk[bytes] = GeneralChunk(self.rows, bytes)
        for number, line in zip(numbers, lines, strict=True):
            self._read_into(chunk, number, line)
        return chunk

    def _read_into(self, chunk: GeneralChunk[bytes], number: int, line: bytes) -> None:
        try:
            if not _is_utf8(line):
                raise Malformed("the line is not UTF-8")
            chunk.add(number, line, self._lines.read(line))
        except Malformed as error:
            chunk.reject(number, line, str(error))


class CanonicalChunk:
    """Lines that are all canonical events. Those that no hook may want stay as they were decoded."""

    malformed: Sequence[Unreadable] = ()

    def __init__(
        self, lines: Sequence[int], raw: Sequence[bytes], events: list[Event], first_row: int, reader: JsonLines
    ) -> None:
        self.lines = lines
        self._raw, self._events, self._first_row, self._reader = raw, events, first_row, reader
        self._compact = False

    def codes(self) -> list[str | None]:
        codes = [event.event_code for event in self._events]
        if None in codes:
            return [event.event_name if event.event_code is None else event.event_code for event in self._events]
        return codes

    def candidates(self, wanted: Wanted) -> list[int]:
        codes, names = wanted.codes, wanted.names
        if names:
            events = enumerate(self._events)
            places = [n for n, event in events if event.event_code in codes or event.event_name in names]
        else:
            places = [n for n, event in enumerate(self._events) if event.event_code in codes]
        self._compact = _are_compact([self._raw[place] for place in places])
        return places

    def event(self, place: int) -> Event | MessageLog:
        event = self._events[place]
        # What is not finished yet is read the general way: the two ways then agree because they are one.
        return event if self._compact and _is_finished(event) else self._reader.read(self._raw[place])

    def row(self, place: int) -> int:
        return self._first_row + place

    def source(self, place: int) -> bytes:
        return self._raw[place]


def _are_compact(lines: list[bytes]) -> bool:
    """Tell whether no white space stands between tokens; all lines at once, since each call costs more than a line."""
    text = b"[" + b",".join(lines) + b"]"
    try:
        return len(msgspec.json.format(text, indent=-1)) == len(text)
    except RecursionError:  # one more level of nesting than the line by itself
        return False


def _decoded(lines: Sequence[bytes]) -> list[Event] | None:
    """Return an event for each line, or None where one of them needs another way of reading."""
    try:
        return list(map(_decode, lines))
    except (msgspec.DecodeError, RecursionError):
        return None


def _without_blank(numbers: Sequence[int], lines: Sequence[bytes]) -> tuple[Sequence[int], Sequence[bytes]]:
    kept = [place for place, line in enumerate(lines) if line and not line.isspace()]
    return [numbers[place] for place in kept], [lines[place] for place in kept]


def _is_finished(event: Event) -> bool:
    """Tell whether no field holds a missing value: neither a text nor one of the parts that were read no further."""
    ids = event.identities
    for text in (
        event.event_code, event.event_name, event.id, event.user_id, event.app_key,
        ids.ext_id, ids.email, ids.msisdn, ids.installation_id, ids.device_id, ids.session_id,
    ):  # fmt: skip
        if text is not None and (text in NO_VALUE or text.isspace()):  # is_missing, without the call
            return False
    return (
        (event.params is ABSENT or memoryview(event.params)[0] == _BRACE)
        and (event.profile is ABSENT or memoryview(event.profile)[0] == _BRACE)
        and (event.revenue is ABSENT or memoryview(event.revenue)[0] in _NUMBER)
        and (event.device is ABSENT or memoryview(event.device)[0] == _BRACE)
    )
