"""Read the rows of a CSV or a sheet: all are checked, and those that a hook may want are made events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from airflow_netmera_kinesis.exports.chunk import Source, Unreadable, Wanted
from airflow_netmera_kinesis.exports.csv_columns import Columns
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.exports.row import Row, joined, named_cells, raw_row
from airflow_netmera_kinesis.exports.sound_row import SoundRows
from airflow_netmera_kinesis.exports.table_check import TableCheck
from airflow_netmera_kinesis.netmera.assembling import Assembler
from airflow_netmera_kinesis.netmera.event import Event, Malformed, MessageLog
from airflow_netmera_kinesis.netmera.timestamp import TimeReader

Cells = Sequence[str]


class Rows(msgspec.Struct, frozen=True):
    """Some rows below the header, each with the line on which it begins; ``first`` rows stand before them.

    A row that could not be taken apart is ``broken``, by its place here: why, and its text. ``is_clean`` says that no
    cell holds a NUL or a surrogate, which stands for what was no text.
    """

    first: int
    lines: Sequence[int]
    cells: Sequence[Cells]
    broken: Mapping[int, tuple[str, str]] = {}
    is_clean: bool = True


class Table:
    """What the rows of a file share. Raises ExportError where its header does not fit what was said.

    A row that is no text is kept in the ``encoding`` of the file, which is known by then, with its ``delimiter``.
    """

    def __init__(
        self, header: Cells, export_format: ExportFormat, delimiter: str = "", encoding: Callable[[], str] = str
    ) -> None:
        times = TimeReader(export_format.time_zone, export_format.time_format)
        self.columns = Columns(header, export_format)
        self.check = TableCheck(self.columns, export_format, times)
        self.sound_event_of = SoundRows(self.columns, export_format, times).event_of
        self._assembler = Assembler(times, export_format.record_type)
        self._delimiter, self._encoding = delimiter, encoding

    def chunk(self, rows: Rows) -> TableChunk:
        return TableChunk(self, rows)

    def event_of(self, rows: Rows, place: int) -> Event | MessageLog:
        """Raise Malformed where the row is no event."""
        if place in rows.broken:
            raise Malformed(rows.broken[place][0])
        return event_of_cells(rows.cells[place], self.columns, self._assembler, clean=rows.is_clean)

    def source_of(self, rows: Rows, place: int) -> Source:
        """Return the row by its headings, or as it came where that would be no text."""
        headings, cells = self.columns.headings, rows.cells[place]
        if place not in rows.broken and (rows.is_clean or _is_text("".join(cells))):
            return Row(tuple(headings), named_cells(headings, cells))
        _, text = rows.broken.get(place, ("", ""))
        return raw_row(headings, text or joined(cells, self._delimiter), self._encoding(), self._delimiter)


class TableChunk:
    """Rows of which the doubtful ones are read at once, and of the others those that are asked for."""

    def __init__(self, table: Table, rows: Rows) -> None:
        self._table, self._rows = table, rows
        self.malformed: list[Unreadable] = []
        self.lines = rows.lines
        self._places: Sequence[int] = range(len(rows.lines))
        looked = table.check.look(rows.cells)
        self._codes, self._names = looked.codes, looked.names
        self._read: dict[int, Event | MessageLog] = {}
        for place in looked.doubtful if rows.is_clean else self._places:
            self._read_now(place)
        if self.malformed:
            self._leave_malformed_out()

    def codes(self) -> Sequence[str | None]:
        return [name if code is None else code for code, name in zip(self._codes, self._names, strict=True)]

    def candidates(self, wanted: Wanted) -> list[int]:
        codes, names = wanted.codes, wanted.names
        logs = {place for place, event in self._read.items() if isinstance(event, MessageLog)}
        if not names and not logs:
            return [place for place, code in enumerate(self._codes) if code in codes]
        rows = zip(self._codes, self._names, self._places, strict=True)
        return [n for n, (code, name, row) in enumerate(rows) if code in codes or name in names or row in logs]

    def event(self, place: int) -> Event | MessageLog:
        row = self._places[place]
        return self._read[row] if row in self._read else self._table.sound_event_of(self._rows.cells[row])

    def row(self, place: int) -> int:
        return self._rows.first + self._places[place]

    def source(self, place: int) -> Source:
        return self._table.source_of(self._rows, self._places[place])

    def _read_now(self, row: int) -> None:
        try:
            event = self._table.event_of(self._rows, row)
        except Malformed as error:
            source = self._table.source_of(self._rows, row)
            self.malformed.append(Unreadable(self._rows.lines[row], str(error), source))
        else:
            self._read[row] = event
            self._codes[row], self._names[row] = event.event_code, event.event_name

    def _leave_malformed_out(self) -> None:
        lines = {unreadable.line for unreadable in self.malformed}
        self._places = [place for place, line in enumerate(self._rows.lines) if line not in lines]
        self.lines = [self._rows.lines[place] for place in self._places]
        self._codes = [self._codes[place] for place in self._places]
        self._names = [self._names[place] for place in self._places]


def event_of_cells(cells: Cells, columns: Columns, assembler: Assembler, *, clean: bool = False) -> Event | MessageLog:
    """Make an event of a row; ``clean`` ones are known to be text. Raises Malformed where it is none."""
    if len(cells) != len(columns.headings):
        raise Malformed(f"the row has {len(cells)} cells, the header {len(columns.headings)}")
    if not clean and (fault := text_fault("".join(cells))):
        raise Malformed(fault)
    parts = columns.parts_of(cells)
    if "timestamp" not in parts.texts:
        raise Malformed("the row has no time")
    return assembler.event_of(parts)


def text_fault(text: str) -> str | None:
    """Say what the text of a row may not hold."""
    if "\0" in text:
        return "the row holds a NUL character"
    return None if _is_text(text) else "the row is not in the encoding of the file"


def _is_text(text: str) -> bool:
    """Tell whether no surrogate stands for a byte that is not in the file's encoding."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
