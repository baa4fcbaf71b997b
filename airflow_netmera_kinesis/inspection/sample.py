"""Take the first rows or lines of a file as they are, before anybody knows what its columns mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import BinaryIO

import msgspec
from msgspec import Raw

from airflow_netmera_kinesis.errors import ExportError
from airflow_netmera_kinesis.exports.chunk import Unreadable
from airflow_netmera_kinesis.exports.csv import CsvReader
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.exports.found import Found
from airflow_netmera_kinesis.exports.reading import Export, Reader, named
from airflow_netmera_kinesis.exports.xlsx import XlsxReader
from airflow_netmera_kinesis.netmera.missing_value import is_missing

_members = msgspec.json.Decoder(dict[str, Raw]).decode


class Sample(msgspec.Struct, frozen=True):
    """What a file was found to be, and the cells of its first ``rows`` by heading; missing ones are left out.

    Of an archive it is the first of its ``members``. The headings of NDJSON are the names in its lines.
    """

    packing: str
    member: str
    members: tuple[str, ...]
    found: Found
    rows: int
    columns: Mapping[str, Sequence[str]]


def take_sample(file: BinaryIO, name: str, size: int, export_format: ExportFormat, rows: int) -> Sample:
    """Raise ExportError, with the file's name, for what cannot be read or holds nothing."""
    export = Export(file, name, size, export_format)
    with named(name), ExitStack() as closing:
        readers = export.readers(closing)
        member, reader = next(readers, ("", None))
        if reader is None:
            raise ExportError("is an archive with no file in it")
        faults: list[Unreadable] = []
        taken = list(islice(_rows(reader, faults), rows))
        if not taken and faults:
            first = f"line {faults[0].line}: {faults[0].message}"
            raise ExportError(
                f"none of its {len(faults)} lines is NDJSON, {first}. If it is CSV, say format: csv in export_format"
            )
        if not taken:
            raise ExportError("holds no row: there is nothing to inspect")
        columns: dict[str, list[str]] = {}
        for row in taken:
            for heading, cell in row.items():
                cells = columns.setdefault(heading, [])
                if not is_missing(cell):
                    cells.append(cell)
        return Sample(export.packing, member, export.members, reader.found, len(taken), columns)


def _rows(reader: Reader, faults: list[Unreadable]) -> Iterator[Mapping[str, str]]:
    if not isinstance(reader, (CsvReader, XlsxReader)):
        return _lines(reader, faults)
    rows = reader.rows_as_they_are()
    headings = [heading.strip() for heading in next(rows, [])]
    return (dict(zip(headings, [*row, *[""] * (len(headings) - len(row))], strict=False)) for row in rows)


def _lines(reader: Reader, faults: list[Unreadable]) -> Iterator[Mapping[str, str]]:
    for chunk in reader.chunks():
        faults += chunk.malformed
        for place in range(len(chunk.lines)):
            source = chunk.source(place)
            if isinstance(source, bytes):
                yield {name: _text(value) for name, value in _members(source).items()}


def _text(value: Raw) -> str:
    token = bytes(value)
    return msgspec.json.decode(token, type=str) if token.startswith(b'"') else token.decode()
