"""Read CSV: six delimiters, quoted cells over several lines, and a header that says what each column is."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice

import msgspec

from airflow_netmera_kinesis.errors import ExportError
from airflow_netmera_kinesis.exports.chunk import Chunk, GeneralChunk
from airflow_netmera_kinesis.exports.content import Content, RewoundContent, read_exactly
from airflow_netmera_kinesis.exports.csv_columns import Columns
from airflow_netmera_kinesis.exports.export_format import AUTO, DELIMITERS, ExportFormat
from airflow_netmera_kinesis.exports.row import Row, named_cells, raw_row
from airflow_netmera_kinesis.exports.text_lines import TextLines
from airflow_netmera_kinesis.netmera.assembling import Assembler
from airflow_netmera_kinesis.netmera.event import Event, Malformed, MessageLog
from airflow_netmera_kinesis.netmera.field_name import FIELD_OF_HEADING
from airflow_netmera_kinesis.netmera.timestamp import TimeReader

CHUNK_ROWS = 500
MAX_CELL_CHARACTERS = 64 * 1024 * 1024  # Python's own limit of 131,072 is below what a Kinesis record holds
_HEAD_BYTES = 64 * 1024


class CsvReader:
    """Read a file's rows; its attributes are true of the file once all chunks were taken."""

    def __init__(self, content: Content, export_format: ExportFormat) -> None:
        times = TimeReader(export_format.time_zone, export_format.time_format)
        self._assembler = Assembler(times, export_format.record_type)
        self._format = export_format
        head = read_exactly(content, _HEAD_BYTES)
        self._lines = TextLines(RewoundContent(head, content), export_format.encoding)
        self._delimiter = _delimiter(head, export_format)
        self.rows = 0
        self.last_line = 0
        self.open_end = False

    def chunks(self) -> Iterator[Chunk]:
        csv.field_size_limit(max(csv.field_size_limit(), MAX_CELL_CHARACTERS))
        rows = self._numbered_rows()
        header = next(rows, None)
        if header is not None:
            columns = _columns(header, self._format)
            while chunk := self._chunk(rows, columns):
                yield chunk
        self.open_end = self._lines.open_end

    def _chunk(self, rows: Iterator[_Row], columns: Columns) -> GeneralChunk[_Row] | None:
        taken = list(islice(rows, CHUNK_ROWS))
        chunk: GeneralChunk[_Row] = GeneralChunk(self.rows, lambda row: self._source(row, columns))
        self.rows += len(taken)
        # All rows at once, since there is nearly never one that is not.
        clean = _fault_of("".join(["".join(row.cells) for row in taken])) is None
        for row in taken:
            self._read_into(chunk, row, columns, clean=clean)
        return chunk if taken else None

    def _read_into(self, chunk: GeneralChunk[_Row], row: _Row, columns: Columns, *, clean: bool) -> None:
        try:
            chunk.add(row.line, row, self._event_of(row, columns, clean=clean))
        except Malformed as error:
            chunk.reject(row.line, row, str(error))

    def _event_of(self, row: _Row, columns: Columns, *, clean: bool) -> Event | MessageLog:
        if row.fault:
            raise Malformed(row.fault)
        return event_of_cells(row.cells, columns, self._assembler, clean=clean)

    def _source(self, row: _Row, columns: Columns) -> Row:
        if not row.fault and _is_text("".join(row.cells)):
            return Row(tuple(columns.headings), named_cells(columns.headings, row.cells))
        text = row.text or joined(row.cells, self._delimiter)
        return raw_row(columns.headings, text, self._lines.encoding, self._delimiter)

    def _numbered_rows(self) -> Iterator[_Row]:
        reader = csv.reader(self._lines, delimiter=self._delimiter, strict=True)
        while True:
            line = reader.line_num + 1
            self._lines.taken.clear()
            try:
                cells = next(reader)
                if cells:
                    yield _Row(line, cells)
            except StopIteration:
                self.last_line = reader.line_num
                return
            except csv.Error as error:
                if "unexpected end of data" in str(error) or "field limit" in str(error):
                    raise ExportError(f"the quoted cell that begins near line {line} never ends") from None
                yield _Row(line, [], f"the row is not CSV ({error})", "".join(self._lines.taken))


class _Row(msgspec.Struct, frozen=True, gc=False):
    line: int  # on which it begins
    cells: list[str]
    fault: str = ""
    text: str = ""  # of a row that could not be taken apart


def event_of_cells(
    cells: Sequence[str], columns: Columns, assembler: Assembler, *, clean: bool = False
) -> Event | MessageLog:
    """Make an event of a row; ``clean`` ones are known to be text. Raises Malformed where it is none."""
    if len(cells) != len(columns.headings):
        raise Malformed(f"the row has {len(cells)} cells, the header {len(columns.headings)}")
    if not clean and (fault := _fault_of("".join(cells))):
        raise Malformed(fault)
    parts = columns.parts_of(cells)
    if "timestamp" not in parts.texts:
        raise Malformed("the row has no time")
    return assembler.event_of(parts)


def joined(cells: Sequence[str], delimiter: str) -> str:
    """Write a row that was taken apart as one line again."""
    line = io.StringIO(newline="")
    csv.writer(line, delimiter=delimiter, lineterminator="\n").writerow(cells)
    return line.getvalue()


def cells_of_text(text: str, delimiter: str) -> list[str]:
    """Take one row apart. Raises Malformed where it is no CSV, or more than a row."""
    csv.field_size_limit(max(csv.field_size_limit(), MAX_CELL_CHARACTERS))
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise Malformed(f"the row is not CSV ({error})") from None
    if len(rows) != 1:
        raise Malformed("the text is not one row of CSV")
    return rows[0]


def _columns(header: _Row, export_format: ExportFormat) -> Columns:
    text = header.text or "".join(header.cells)
    if "\0" in text or not _is_text(text):
        raise ExportError(f"its header is not text in {export_format.encoding}: say its encoding in export_format")
    if header.fault:
        raise ExportError(f"its header cannot be read: {header.fault}")
    return Columns(header.cells, export_format)


def _fault_of(text: str) -> str | None:
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


def _delimiter(head: bytes, export_format: ExportFormat) -> str:
    """Take the delimiter that makes most known headings of the first line, then the one that makes most columns."""
    if export_format.delimiter != AUTO:
        return export_format.delimiter
    first_line = next(iter(TextLines(RewoundContent(head, io.BytesIO()), export_format.encoding)), "")
    return max(DELIMITERS, key=lambda delimiter: _fit(first_line, delimiter, export_format))


def _fit(line: str, delimiter: str, export_format: ExportFormat) -> tuple[int, int]:
    # Python 3.10 refuses a NUL, which a header in another encoding may hold.
    headings = next(csv.reader([line.replace("\0", "")], delimiter=delimiter), [])
    known = sum(heading.strip() in FIELD_OF_HEADING or heading.strip() in export_format.columns for heading in headings)
    return known, len(headings)
