"""Read the file of letters that a replay sends, as match reads an export: some letters at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from airflow_netmera_kinesis.exports.chunk import Unreadable, Wanted
from airflow_netmera_kinesis.exports.content import BLOCK_BYTES, StoredContent
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.exports.letter import LetterReader
from airflow_netmera_kinesis.exports.reading import Export
from airflow_netmera_kinesis.netmera.event import Event, Malformed, MessageLog
from airflow_netmera_kinesis.state.replay_file import FIRST_LINE, ReplayLetter, read_head, read_letter


class LetterChunk:
    """Letters by their place among those that are events, or by their line among those that are still none."""

    def __init__(self, first_row: int) -> None:
        self.lines: list[int] = []
        self.letters: list[ReplayLetter] = []
        self.malformed: list[Unreadable] = []
        self.unreadable: dict[int, ReplayLetter] = {}
        self._events: list[Event | MessageLog] = []
        self._first_row = first_row

    def add(self, line: int, letter: ReplayLetter, reader: LetterReader) -> None:
        try:
            event = reader.coded(reader.event_of(letter.letter), letter.letter)
        except Malformed as error:
            self.unreadable[line] = letter
            self.malformed.append(Unreadable(line, str(error), b""))
            return
        self.lines.append(line)
        self.letters.append(letter)
        self._events.append(event)

    def codes(self) -> Sequence[str | None]:
        return [event.event_name if event.event_code is None else event.event_code for event in self._events]

    def candidates(self, wanted: Wanted) -> Sequence[int]:  # a letter's own hook is looked at later
        return range(len(self._events))

    def event(self, place: int) -> Event | MessageLog:
        return self._events[place]

    def row(self, place: int) -> int:
        return self._first_row + place

    def source(self, place: int) -> bytes:
        """Return nothing: what a letter holds is kept as it is, in the letter that follows it."""
        return b""


class LetterExport(Export):
    """The letters of one replay; the format of each is its file's own."""

    def __init__(
        self, file: BinaryIO, name: str, size: int, export_format: ExportFormat, *, by_time: bool = False
    ) -> None:
        super().__init__(file, name, size, export_format, by_time=by_time)
        self._content = StoredContent(file, size)

    def chunks(self) -> Iterator[LetterChunk]:
        lines = self._lines()
        readers = [LetterReader(export_format) for export_format in read_head(next(lines)).formats]
        chunk, held = LetterChunk(0), 0
        for number, line in enumerate(lines, FIRST_LINE):
            letter = read_letter(line)
            chunk.add(number, letter, readers[letter.format])
            self.rows += 1
            self.last_line = number
            held += len(line)
            if held > BLOCK_BYTES:
                yield chunk
                chunk, held = LetterChunk(self.rows), 0
        yield chunk

    def digest(self) -> str:
        return self._content.digest()

    def _lines(self) -> Iterator[bytes]:
        waiting: list[bytes] = []
        while block := self._content.read(BLOCK_BYTES):
            first, *others = block.split(b"\n")
            waiting.append(first)
            if others:
                yield b"".join(waiting)
                yield from others[:-1]
                waiting = others[-1:]
