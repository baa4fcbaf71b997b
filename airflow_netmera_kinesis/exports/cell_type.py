"""Turn a CSV cell into JSON: text, unless the export format gives the column a type."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec
from msgspec import Raw

from airflow_netmera_kinesis.netmera.canonical_json import compact
from airflow_netmera_kinesis.netmera.event import Malformed

# JSON's own grammar: what fits it goes into the payload digit by digit.
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"-?(0|[1-9]\d*)", re.ASCII)
_TRUE, _FALSE = Raw(b"true"), Raw(b"false")
_BOOLEANS = {"true": _TRUE, "1": _TRUE, "false": _FALSE, "0": _FALSE}

CellReader = Callable[[str], Raw]


def _text(cell: str) -> Raw:
    return Raw(msgspec.json.encode(cell))


def _number(cell: str) -> Raw:
    return _matching(_NUMBER, cell)


def _integer(cell: str) -> Raw:
    return _matching(_INTEGER, cell)


def _matching(pattern: re.Pattern[str], cell: str) -> Raw:
    number = cell.strip()
    if not pattern.fullmatch(number):
        raise Malformed("a cell is not of its column's type")
    return Raw(number.encode())


def _boolean(cell: str) -> Raw:
    value = _BOOLEANS.get(cell.strip().lower())
    if value is None:
        raise Malformed("a cell is not of its column's type")
    return value


def _json(cell: str) -> Raw:
    try:
        return compact(cell.encode())
    except (msgspec.DecodeError, RecursionError):
        raise Malformed("a cell of a JSON column is not JSON") from None


CELL_READERS: Mapping[str, CellReader] = MappingProxyType(
    {"text": _text, "number": _number, "integer": _integer, "boolean": _boolean, "json": _json}
)
