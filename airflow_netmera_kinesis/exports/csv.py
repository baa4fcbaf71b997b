"""Read CSV: six delimiters, quoted cells over several lines, and a header that says what each column is."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain

from airflow_netmera_kinesis.errors import ExportError
from airflow_netmera_kinesis.exports.chunk import Chunk
from airflow_netmera_kinesis.exports.content import Content
from airflow_netmera_kinesis.exports.delimiter import best_fit
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.exports.found import Found
from airflow_netmera_kinesis.exports.row import MAX_CELL_CHARACTERS
from airflow_netmera_kinesis.exports.table import Rows, Table, text_fault
from airflow_netmera_kinesis.exports.text_lines import TextLines


class CsvReader:
    """Read a file's rows; its attributes are true of the file once all chunks were taken."""

    def __init__(self, content: Content, export_format: ExportFormat) -> None:
        self._format = export_format
        self._lines = TextLines(content, export_format.encoding)
        self._blocks = self._lines.blocks()
        first = next(self._blocks, [])
        self._delimiter = best_fit(_first_row(first), export_format).delimiter
        lines = chain(first, chain.from_iterable(self._blocks))
        self._reader = csv.reader(lines, delimiter=self._delimiter, strict=True)
        csv.field_size_limit(max(csv.field_size_limit(), MAX_CELL_CHARACTERS))
        self._headings: tuple[str, ...] = ()
        self.rows = 0
        self.last_line = 0
        self.open_end = False

    def rows_as_they_are(self) -> Iterator[Sequence[str]]:
        """Yield the header and the rows of a file whose columns are not known yet, but no broken ones."""
        header = self._header()
        if header is not None:
            yield header
            while rows := self._some_rows():
                yield from (cells for cells in rows.cells if cells)

    def chunks(self) -> Iterator[Chunk]:
        header = self._header()
        if header is not None:
            self._headings = tuple(header)
            table = Table(header, self._format, self._delimiter, lambda: self._lines.encoding.name)
            while rows := self._some_rows():
                yield table.chunk(rows)
                self.rows += len(rows.lines)
        self.last_line = self._reader.line_num
        self.open_end = self._lines.open_end

    @property
    def found(self) -> Found:
        return Found("csv", self._lines.encoding, self._delimiter, headings=self._headings)

    def _header(self) -> Sequence[str] | None:
        """Return the first row that is not blank."""
        rows = self._some_rows(1)
        if rows is None:
            return None
        why, text = rows.broken.get(0, ("", "".join(rows.cells[0])))
        if text_fault(text):
            encoding = self._lines.encoding.name
            raise ExportError(f"its header is not text in {encoding}: say its encoding in export_format")
        if why:
            raise ExportError(f"its header cannot be read: {why}")
        return rows.cells[0]

    def _some_rows(self, most: int | None = None) -> Rows | None:
        """Return the rows of a block of lines, or of the next ``most`` lines; None at the end."""
        while True:
            first = self._reader.line_num + 1
            self._lines.forget_before(first)
            taken, fault = self._taken(most)
            if not taken and not fault:
                return None
            if rows := self._rows(first, taken, fault):
                return rows

    def _taken(self, most: int | None) -> tuple[list[list[str]], str]:
        """Take rows until a block ends, or until one is no CSV; say then why not."""
        reader, lines = self._reader, self._lines
        taken: list[list[str]] = []
        try:
            for cells in reader:
                taken.append(cells)
                if reader.line_num >= lines.count or len(taken) == most:
                    break
        except csv.Error as error:
            return taken, str(error)
        return taken, ""

    def _rows(self, first: int, taken: list[list[str]], fault: str) -> Rows | None:
        """Number the rows by the lines on which they begin, and leave the blank ones out."""
        following = self._reader.line_num + 1
        lines: Sequence[int] = range(first, following)
        if fault or len(taken) != len(lines):
            *lines, following = accumulate(map(_lines_in, taken), initial=first)
        if not all(taken):
            lines = [line for line, cells in zip(lines, taken, strict=True) if cells]
            taken = [cells for cells in taken if cells]
        broken: dict[int, tuple[str, str]] = {}
        if fault:
            if "unexpected end of data" in fault or "field limit" in fault:
                raise ExportError(f"the quoted cell that begins near line {following} never ends")
            text = self._lines.text_of(following, self._reader.line_num)
            broken[len(taken)] = (f"the row is not CSV ({fault})", text)
            lines, taken = [*lines, following], [*taken, []]
        is_clean = self._lines.is_clean or not text_fault("".join(map("".join, taken)))
        return Rows(self.rows, lines, taken, broken, is_clean) if taken else None


def _lines_in(cells: Sequence[str]) -> int:
    """Count the lines that a row takes: a line end in a cell is one more."""
    text = "".join(cells)
    return 1 + text.count("\n") + text.count("\r") - text.count("\r\n")


def _first_row(lines: Sequence[str]) -> str:
    return next((line for line in lines if not line.isspace()), "")
