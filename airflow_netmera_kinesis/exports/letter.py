"""Read what a dead letter holds as an event again, the way its file is read."""

from __future__ import annotations

import base64

import msgspec
from msgspec import Raw

from airflow_netmera_kinesis.errors import ExportError
from airflow_netmera_kinesis.exports.csv_columns import Columns
from airflow_netmera_kinesis.exports.encoding import AUTO, errors_of, said
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.exports.json_line import JsonLines
from airflow_netmera_kinesis.exports.row import cells_in_order, cells_of_text
from airflow_netmera_kinesis.exports.table import event_of_cells
from airflow_netmera_kinesis.netmera.assembling import Assembler
from airflow_netmera_kinesis.netmera.event import Event, Malformed, MessageLog
from airflow_netmera_kinesis.netmera.payload import event_of
from airflow_netmera_kinesis.netmera.timestamp import TimeReader
from airflow_netmera_kinesis.state.dead_letter import StoredLetter

_cells = msgspec.json.Decoder(dict[str, str | list[str]]).decode
_text = msgspec.json.Decoder(str).decode


class LetterReader:
    """Reads the letters of exports that have one format; an event bears the id that its letter knows."""

    def __init__(self, export_format: ExportFormat) -> None:
        self._format = export_format
        self._of_file: dict[str, _FileReader] = {}

    def event_of(self, letter: StoredLetter) -> Event | MessageLog:
        """Raise Malformed where it holds no event, or still none."""
        try:
            event = self._reader_of(letter.file).read(letter)
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("the dead letter cannot be read: was it edited?") from None
        if letter.event_id is not None and event.id != letter.event_id:
            return msgspec.structs.replace(event, id=letter.event_id)
        return event

    def coded(self, event: Event | MessageLog, letter: StoredLetter) -> Event | MessageLog:
        """Give an event that has only a name its code; its id must be known by then."""
        codes = self._reader_of(letter.file).format.names_to_codes
        if event.event_code is None and event.event_name in codes:
            return msgspec.structs.replace(event, event_code=codes[event.event_name])
        return event

    def _reader_of(self, file: str) -> _FileReader:
        if file not in self._of_file:
            self._of_file[file] = _FileReader(self._format.of_file(file))
        return self._of_file[file]


class _FileReader:
    """Reads the letters of one file."""

    def __init__(self, export_format: ExportFormat) -> None:
        self.format = export_format
        times = TimeReader(export_format.time_zone, export_format.time_format)
        self._assembler = Assembler(times, export_format.record_type)
        self._lines = JsonLines(export_format)
        self._columns: dict[tuple[str, ...], Columns] = {}

    def read(self, letter: StoredLetter) -> Event | MessageLog:
        if letter.is_payload:
            return event_of(letter.event)
        if letter.columns is not None:
            cells = self._cells_of(letter, letter.columns)
            return event_of_cells(cells, self._table(letter.columns), self._assembler)
        if letter.event_base64 is not None:
            raise Malformed("the line is not UTF-8")
        return self._lines.read(_text(letter.event).encode() if _is_text(letter.event) else bytes(letter.event))

    def _cells_of(self, letter: StoredLetter, columns: tuple[str, ...]) -> list[str]:
        if letter.event_base64 is not None:
            return cells_of_text(self._decoded(base64.b64decode(letter.event_base64)), letter.delimiter or ",")
        if _is_text(letter.event):
            return cells_of_text(_text(letter.event), letter.delimiter or ",")
        return list(cells_in_order(columns, _cells(letter.event)))

    def _decoded(self, row: bytes) -> str:
        """A surrogate that is left says that this is not the encoding."""
        encoding = "utf-8" if self.format.encoding == AUTO else said(self.format.encoding, row).name
        return row.decode(encoding, errors_of(encoding))

    def _table(self, columns: tuple[str, ...]) -> Columns:
        if columns not in self._columns:
            try:
                self._columns[columns] = Columns(columns, self.format)
            except ExportError as error:
                raise Malformed(f"the table no longer fits the export format: {error}") from None
        return self._columns[columns]


def _is_text(event: Raw) -> bool:
    return bytes(event).startswith(b'"')
