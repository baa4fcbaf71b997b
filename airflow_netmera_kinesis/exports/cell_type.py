"""Turn a CSV cell into JSON: text, unless the export format gives the column a type."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial

import msgspec
from msgspec import Raw

from airflow_netmera_kinesis.netmera.event import Malformed

# JSON's own grammar: what fits it goes into the payload digit by digit.
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"-?(0|[1-9]\d*)", re.ASCII)
_TRUE, _FALSE = Raw(b"true"), Raw(b"false")
_BOOLEANS = {"true": _TRUE, "1": _TRUE, "false": _FALSE, "0": _FALSE}

_compact_text = partial(msgspec.json.format, indent=-1)

CellReader = Callable[[str], Raw]


def cell_reader(kind: str, heading: str) -> CellReader:
    """Make the reader of a column of one type; it raises Malformed, which names the column but never the cell."""
    if kind == "text":
        return _text
    json_of = _JSON_OF[kind]

    def read(cell: str) -> Raw:
        value = json_of(cell)
        if value is None:
            raise Malformed(f"a cell of column {heading!r} is not of its type: {kind}")
        return value

    return read


def is_of(kind: str, cell: str) -> bool:
    """Tell whether a cell that is not missing is of its type."""
    try:
        return kind == "text" or _JSON_OF[kind](cell) is not None
    except UnicodeEncodeError:
        return False


def all_are(kind: str, cells: Iterable[str]) -> bool:
    """The same for many cells at once."""
    if kind != "json":
        return all(is_of(kind, cell) for cell in cells)
    try:
        list(map(_compact_text, cells))
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return False
    return True


def _text(cell: str) -> Raw:
    return Raw(msgspec.json.encode(cell))


def _number(cell: str) -> Raw | None:
    return _matching(_NUMBER, cell)


def _integer(cell: str) -> Raw | None:
    return _matching(_INTEGER, cell)


def _matching(pattern: re.Pattern[str], cell: str) -> Raw | None:
    number = cell.strip()
    return Raw(number.encode()) if pattern.fullmatch(number) else None


def _boolean(cell: str) -> Raw | None:
    return _BOOLEANS.get(cell.strip().lower())


def _json(cell: str) -> Raw | None:
    try:
        return Raw(_compact_text(cell).encode())
    except (msgspec.DecodeError, RecursionError):
        return None


_JSON_OF: dict[str, Callable[[str], Raw | None]] = {
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
    "json": _json,
}
