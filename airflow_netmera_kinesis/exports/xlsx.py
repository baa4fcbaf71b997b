"""Read a sheet of an XLSX workbook as the CSV that it could have been saved as: each cell is text."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import BinaryIO

from airflow_netmera_kinesis.errors import ExportError
from airflow_netmera_kinesis.exports.chunk import Chunk
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.exports.found import Found
from airflow_netmera_kinesis.exports.sheet import Cell, Moment
from airflow_netmera_kinesis.exports.table import Rows, Table, text_fault
from airflow_netmera_kinesis.exports.workbook import Workbook
from airflow_netmera_kinesis.netmera.missing_value import is_missing
from airflow_netmera_kinesis.netmera.timestamp import TimeReader

CHUNK_ROWS = 500
CHUNK_CHARACTERS = 1024 * 1024  # a chunk of rows with very long texts has fewer of them
# A date that somebody's program wrote without the format of a date: days since 1900, from 1927 to 2173.
_SERIAL = re.compile(r"\d{5}(\.\d+)?", re.ASCII).fullmatch
_FIRST_ROWS = 100


class XlsxReader:
    """Read a sheet's rows, numbered as Excel shows them; its attributes are true once all chunks were taken.

    The first sheet is meant unless the export format names another one.
    """

    def __init__(self, file: BinaryIO, export_format: ExportFormat) -> None:
        self._workbook = Workbook(file)
        self._format = export_format
        self._times = TimeReader(export_format.time_zone)
        self._time_places: Collection[int] = ()
        self._sheet = _chosen(self._workbook.sheets, export_format.sheet)
        self._headings: tuple[str, ...] = ()
        self._unread: tuple[str, ...] = ()
        self.rows = 0
        self.last_line = 0
        self.open_end = False

    @property
    def found(self) -> Found:
        return Found("xlsx", sheet=self._sheet, unread_sheets=self._unread, headings=self._headings)

    def rows_as_they_are(self) -> Iterator[list[str]]:
        """Yield the header and the rows of a sheet whose columns are not known yet."""
        try:
            for _, cells in self._rows():
                yield cells
        finally:
            self._workbook.close()

    def chunks(self) -> Iterator[Chunk]:
        try:
            yield from self._chunks()
            self._unread = tuple(filter(self._holds_rows, self._workbook.sheets))
        finally:
            self._workbook.close()

    def _chunks(self) -> Iterator[Chunk]:
        rows = self._rows()
        _, header = next(rows, (0, []))
        if not header:
            return
        self._headings = tuple(header)
        table = Table(header, self._format, encoding=lambda: "utf-8")
        self._time_places = [column.place for column in table.columns.texts if column.field == "timestamp"]
        while some := self._some(rows, len(header)):
            yield table.chunk(some)
            self.rows += len(some.lines)

    def _some(self, rows: Iterator[tuple[int, list[str]]], width: int) -> Rows | None:
        lines: list[int] = []
        taken: list[list[str]] = []
        characters = 0
        for line, cells in rows:
            lines.append(line)
            taken.append(cells + [""] * (width - len(cells)))
            characters += sum(map(len, cells))
            if len(lines) >= CHUNK_ROWS or characters >= CHUNK_CHARACTERS:
                break
        is_clean = not text_fault("".join(map("".join, taken)))
        return Rows(self.rows, lines, taken, is_clean=is_clean) if lines else None

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the rows that are not blank, without their last cells where these are empty."""
        for number, cells in self._workbook.rows(self._sheet):
            self.last_line = number
            texts = [self._text(place, cell) for place, cell in enumerate(cells)]
            while texts and is_missing(texts[-1]):
                texts.pop()
            if texts:
                yield number, texts

    def _text(self, place: int, cell: Cell) -> str:
        if isinstance(cell, str):
            if place not in self._time_places or not _SERIAL(cell):
                return cell
            cell = self._workbook.moment(float(cell))
        if place in self._time_places and self._format.time_format and isinstance(cell, datetime):
            return self._milliseconds(cell)
        return _moment_text(cell)

    def _holds_rows(self, sheet: str) -> bool:
        """Look at the beginning of a sheet that is not read."""
        first = islice(self._workbook.rows(sheet), _FIRST_ROWS)
        return sheet != self._sheet and any(any(cells) for _, cells in first)

    def _milliseconds(self, moment: datetime) -> str:
        """A moment needs no format to be understood."""
        try:
            return str(self._times.of_moment(moment))
        except ValueError:
            return _moment_text(moment)


def _chosen(sheets: tuple[str, ...], named: str | None) -> str:
    if not sheets:
        raise ExportError("has no sheet")
    if named is None:
        return sheets[0]
    if named not in sheets:
        raise ExportError(f"has no sheet {named!r}; it has {', '.join(map(repr, sheets))}")
    return named


def _moment_text(moment: Moment) -> str:
    if isinstance(moment, timedelta):
        minutes, seconds = divmod(round(moment.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
    precision = "milliseconds" if moment.microsecond else "seconds"
    return moment.isoformat(" ", precision) if isinstance(moment, datetime) else moment.isoformat(precision)
