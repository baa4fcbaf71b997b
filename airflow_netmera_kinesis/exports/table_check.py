"""Find the rows that might be malformed by looking at whole columns, which costs far less than row by row."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import filterfalse

import msgspec

from airflow_netmera_kinesis.exports.cell_type import all_are, is_of
from airflow_netmera_kinesis.exports.csv_columns import Columns
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.netmera.hook_definition import TriggerType
from airflow_netmera_kinesis.netmera.missing_value import is_missing
from airflow_netmera_kinesis.netmera.timestamp import TimeReader

Cells = Sequence[str]


class Looked(msgspec.Struct, frozen=True, gc=False):
    """The rows that must be read to know whether they are events, and the code and name of each of the others."""

    doubtful: Sequence[int]
    codes: list[str | None]
    names: list[str | None]


class TableCheck:
    """Check rows by columns, where no column can contradict another one; all rows are doubtful otherwise."""

    def __init__(self, columns: Columns, export_format: ExportFormat, times: TimeReader) -> None:
        self._width = len(columns.headings)
        self._times = times
        self._typed = [column for column in (*columns.values, *columns.members) if column.kind != "text"]
        self._blank = columns.blank
        self._joined = _joined(columns)
        self._place_of = {column.field: column.place for column in columns.texts}
        self._constants = export_format.constants
        fields = [column.field for column in (*columns.texts, *columns.values)]
        self._applies = (
            export_format.record_type is TriggerType.EVENT
            and not {"recordType", "identities"} & {*fields, *self._constants}
            and not any(column.field == "identities" for column in columns.members)
            and len(set(fields)) == len(fields)
            and "timestamp" in self._place_of
        )

    def look(self, rows: Sequence[Cells]) -> Looked:
        if not self._applies:
            return Looked(range(len(rows)), [None] * len(rows), [None] * len(rows))
        whole = [cells for cells in rows if len(cells) == self._width]
        looked = self._look(list(zip(*whole, strict=True)) if whole else [()] * self._width)
        return looked if len(whole) == len(rows) else self._scattered(looked, rows)

    def _look(self, columns: Sequence[Cells]) -> Looked:
        """Look at rows that have a cell for each heading."""
        doubtful = self._without_time(columns[self._place_of["timestamp"]])
        for column in self._typed:
            cells = columns[column.place]
            if not all_are(column.kind, filterfalse(is_missing, cells)):
                doubtful |= {n for n, cell in enumerate(cells) if not is_missing(cell) and not is_of(column.kind, cell)}
        for place, members in self._joined:
            doubtful |= {n for n, cell in enumerate(columns[place]) if not _is_apart_from(cell, members)}
        for place in self._blank:
            doubtful |= {n for n, cell in enumerate(columns[place]) if not is_missing(cell)}
        return Looked(sorted(doubtful), self._texts("eventCode", columns), self._texts("eventName", columns))

    def _without_time(self, cells: Cells) -> set[int]:
        if self._times.reads_all(cells):
            return set()
        return {n for n, cell in enumerate(cells) if not self._times.reads_all([cell])}

    def _texts(self, field: str, columns: Sequence[Cells]) -> list[str | None]:
        constant = str(self._constants[field]) if field in self._constants else None
        if field not in self._place_of:
            return [constant] * len(columns[0])
        cells = columns[self._place_of[field]]
        missing = set(filter(is_missing, set(cells)))
        return [constant if cell in missing else cell for cell in cells] if missing else list(cells)

    def _scattered(self, looked: Looked, rows: Sequence[Cells]) -> Looked:
        """Put the rows of another width between those that were looked at."""
        places = [place for place, cells in enumerate(rows) if len(cells) == self._width]
        codes, names = dict(zip(places, looked.codes, strict=True)), dict(zip(places, looked.names, strict=True))
        others = set(range(len(rows))).difference(places)
        return Looked(
            sorted({*others, *(places[number] for number in looked.doubtful)}),
            list(map(codes.get, range(len(rows)))),
            list(map(names.get, range(len(rows)))),
        )


def _joined(columns: Columns) -> list[tuple[int, list[str]]]:
    """Return each column that is an object, to which other columns add members: what these are called in JSON."""
    members: dict[str, list[str]] = {}
    for column in columns.members:
        members.setdefault(column.field, []).append(msgspec.json.encode(column.member).decode())
    return [(column.place, members[column.field]) for column in columns.values if column.field in members]


def _is_apart_from(cell: str, members: Sequence[str]) -> bool:
    """Tell whether a JSON text surely is an object without any of these names, however it writes them."""
    if is_missing(cell):
        return True
    return cell.lstrip().startswith("{") and "\\u" not in cell and not any(name in cell for name in members)
