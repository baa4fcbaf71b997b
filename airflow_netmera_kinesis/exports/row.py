"""Decide how a row of a table is kept so that a person can read it and a replay can take it apart again."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from airflow_netmera_kinesis.exports.encoding import errors_of
from airflow_netmera_kinesis.netmera.event import Malformed
from airflow_netmera_kinesis.netmera.missing_value import is_missing

NO_HEADING = ""
MAX_CELL_CHARACTERS = 64 * 1024 * 1024  # Python's own limit of 131,072 is below what a Kinesis record holds


class Row(msgspec.Struct, frozen=True):
    """A row as it came: ``content`` is its cells by heading, or else its text, or its bytes in the file's encoding.

    ``columns`` are all headings of the table. Cells that stand under none of them are a list under ``""``. Text and
    bytes, of a row that could not be taken apart, need the ``delimiter`` of the file.
    """

    columns: tuple[str, ...]
    content: Mapping[str, Any] | str | bytes
    delimiter: str = ""


def named_cells(columns: Sequence[str], cells: Sequence[str]) -> dict[str, Any]:
    """Return the cells by their headings; what is lacking is left out."""
    named: dict[str, Any] = {heading: cell for heading, cell in zip(columns, cells, strict=False) if heading}
    nameless = [cell for heading, cell in zip(columns, cells, strict=False) if not heading] + [*cells[len(columns) :]]
    surplus_or_short = len(cells) != len(columns) and (nameless or NO_HEADING in columns)
    if surplus_or_short or not all(map(is_missing, nameless)):
        named[NO_HEADING] = nameless
    return named


def cells_in_order(columns: Sequence[str], named: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the cells as they stood in the file: the reverse of ``named_cells``."""
    nameless = iter(named.get(NO_HEADING, [""] * columns.count(NO_HEADING)))
    for heading in columns:
        cell = named.get(heading) if heading else next(nameless, None)
        if cell is None:
            return
        yield cell
    yield from nameless


def raw_row(columns: Sequence[str], text: str, encoding: str, delimiter: str) -> Row:
    """Keep what could not be taken apart: as text, or as bytes where a surrogate stands for what is no text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return Row(tuple(columns), text.encode(encoding, errors_of(encoding)), delimiter)
    return Row(tuple(columns), text, delimiter)


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
