"""Read the rows of a sheet one by one, each cell as text, or as the moment that it shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import BinaryIO
from xml.etree.ElementTree import Element

from airflow_netmera_kinesis.errors import ExportError
from airflow_netmera_kinesis.exports.shared_strings import SharedStrings, text_of, unescaped
from airflow_netmera_kinesis.exports.sheet_xml import NAMESPACE, elements

# https://support.microsoft.com/office/1672b34d-7043-467e-8e27-269d656771c3
MAX_ROWS = 1_048_576
MAX_COLUMNS = 16_384
_ROWS, _ROW, _VALUE, _INLINE = (f"{NAMESPACE}{name}" for name in ("sheetData", "row", "v", "is"))
_WHOLE = re.compile(r"-?[1-9]\d*|0", re.ASCII).fullmatch
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_BOOLEANS = {"1": "true", "0": "false", "true": "true", "false": "false"}

Moment = datetime | time | timedelta
Cell = str | Moment


class Sheet:
    """The rows of one sheet, by the numbers that Excel shows; a row ends with its last cell.

    ``moments`` makes a moment of a number, by the style of its cell. A cell with an error of Excel (#N/A) is empty.
    Formulas are what they gave when the workbook was saved.
    """

    def __init__(
        self, source: BinaryIO, strings: SharedStrings, moments: Mapping[str, Callable[[float], Moment]]
    ) -> None:
        self._source, self._strings, self._moments = source, strings, moments
        self._places: dict[str, int] = {}

    def rows(self) -> Iterator[tuple[int, list[Cell]]]:
        number = 0
        for row in elements(self._source, _ROWS, _ROW):
            following = int(row.get("r", number + 1))
            if not number < following <= MAX_ROWS:
                raise ExportError(f"row {following} stands after row {number}: no program writes such a sheet")
            number = following
            yield number, self._cells(row)

    def _cells(self, row: Element) -> list[Cell]:
        cells: list[Cell] = []
        for element in row:
            reference = element.get("r")
            place = self._place(reference) if reference else len(cells)
            if place >= len(cells):
                cells.extend([""] * (place + 1 - len(cells)))
            cells[place] = self._value(element)
        return cells

    def _place(self, reference: str) -> int:
        """Return 0 for A7 and 27 for AB7."""
        letters = reference.rstrip("0123456789")
        place = self._places.get(letters)
        if place is None:
            place = 0
            for letter in letters:
                place = place * 26 + _LETTERS.index(letter) + 1
            if not 0 < place <= MAX_COLUMNS:
                raise ExportError(f"has a cell {reference!r}, which is in no column")
            place = self._places[letters] = place - 1
        return place

    def _value(self, element: Element) -> Cell:
        kind = element.get("t", "n")
        if kind == "inlineStr":
            inline = element.find(_INLINE)
            return "" if inline is None else text_of(inline)
        value = element.findtext(_VALUE)
        if not value or kind == "e":
            return ""
        if kind == "s":
            return self._strings[int(value)]
        if kind == "n":
            moment = self._moments.get(element.get("s", ""))
            return decimal_text(value) if moment is None else _moment(moment, value)
        if kind == "b":
            return _BOOLEANS[value]
        return unescaped(value)


def decimal_text(value: str) -> str:
    """Write a number in all its digits: 5 for 5.0, and 0.0000001 for 1E-7."""
    if _WHOLE(value):
        return value
    number = Decimal(value)
    whole = number.to_integral_value()
    return format(whole if whole == number else Decimal(repr(float(value))), "f")


def _moment(moment: Callable[[float], Moment], value: str) -> Cell:
    try:
        return moment(float(value))
    except (OverflowError, ValueError):  # Excel itself shows ####
        return ""
