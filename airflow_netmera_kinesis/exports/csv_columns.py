"""Decide which column of a table is which field, and take a row apart by it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from msgspec import Raw

from airflow_netmera_kinesis.errors import ExportError
from airflow_netmera_kinesis.exports.cell_type import CellReader, cell_reader
from airflow_netmera_kinesis.exports.export_format import IGNORE, ExportFormat
from airflow_netmera_kinesis.exports.header import UNTOLD, looks_like_values, told
from airflow_netmera_kinesis.netmera.assembling import Parts
from airflow_netmera_kinesis.netmera.event import Malformed
from airflow_netmera_kinesis.netmera.field_name import (
    ALIAS_RANK,
    FIELD_OF,
    FIELD_OF_HEADING,
    IDENTITY_FIELDS,
    OBJECT_FIELDS,
)
from airflow_netmera_kinesis.netmera.missing_value import NO_VALUE

_JSON_FIELDS = (*OBJECT_FIELDS, "revenue")


class Column(NamedTuple):
    """A column that is read: ``field`` is its field, or the object that its cells are a ``member`` of."""

    place: int
    heading: str
    field: str
    member: str
    kind: str
    read: CellReader


class Columns:
    """The columns of one file: of fields that are texts, of fields that are JSON, of members of an object, of nothing.

    Raises ExportError where the header does not fit what was said.
    """

    def __init__(self, headings: Sequence[str], export_format: ExportFormat) -> None:
        self.headings = [heading.strip() for heading in headings]
        self._refuse_unfit(export_format)
        columns = [
            _column(place, heading, export_format)
            for place, heading in enumerate(self.headings)
            if heading and export_format.columns.get(heading) != IGNORE
        ]
        # A mapped column comes before an alias, and aliases in their order: the first with a value is the field.
        columns.sort(key=lambda column: _rank(column, export_format))
        _refuse_two_of_one_member(columns)
        self.texts = [column for column in columns if not column.member and column.field not in _JSON_FIELDS]
        self.values = [column for column in columns if not column.member and column.field in _JSON_FIELDS]
        self.members = [column for column in columns if column.member]
        self.blank = [place for place, heading in enumerate(self.headings) if not heading]
        self._constants = export_format.constants

    def parts_of(self, cells: Sequence[str]) -> Parts:
        """Take a row apart that has a cell for each heading. Raises Malformed where a cell is not of its type."""
        parts = Parts()
        texts, values = parts.texts, parts.values
        present = [None if cell in NO_VALUE or cell.isspace() else cell for cell in cells]  # is_missing, uncalled
        for place, heading, field, _, _, read in self.texts:
            cell = present[place]
            if cell is not None:
                if field in texts:  # an alias of a field that has its value: kept as a parameter
                    parts.put_beside("params", {heading: read(cell)})
                else:
                    texts[field] = cell
        for place, heading, field, _, _, read in self.values:
            cell = present[place]
            if cell is not None:
                if field in values:
                    parts.put_beside("params", {heading: read(cell)})
                else:
                    values[field] = read(cell)
        if self.members:
            self._add_members(parts, present)
        if self._constants:
            self._fill_constants(parts)
        if self.blank and any(present[place] is not None for place in self.blank):
            raise Malformed("a cell stands under no heading")
        return parts

    def _add_members(self, parts: Parts, present: Sequence[str | None]) -> None:
        beside = parts.beside
        for place, _, owner, member, _, read in self.members:
            cell = present[place]
            if cell is not None:
                beside.setdefault(owner, {})[member] = read(cell)

    def _fill_constants(self, parts: Parts) -> None:
        for field, value in self._constants.items():
            if field in _JSON_FIELDS:
                parts.values.setdefault(field, Raw(msgspec.json.encode(value)))
            else:
                parts.texts.setdefault(field, str(value))

    def _refuse_unfit(self, export_format: ExportFormat) -> None:
        named = [heading for heading in self.headings if heading]
        twice = sorted({heading for heading in named if named.count(heading) > 1})
        if twice:
            untold = f"a cell twice; {UNTOLD}"
            raise ExportError(f"its header names {untold if looks_like_values(named) else f'{_listed(twice)} twice'}")
        needed = [heading for heading, target in export_format.columns.items() if target != IGNORE]
        lacking = [heading for heading in [*needed, *export_format.types] if heading not in named]
        if lacking:
            raise ExportError(f"its header has no column {_listed(lacking)}; {told(named)}")
        targets = {_column(0, heading, export_format).field for heading in named}
        if "timestamp" not in targets | export_format.constants.keys():
            raise ExportError(f"its header has no column for the timestamp (map one in columns); {told(named)}")


def _column(place: int, heading: str, export_format: ExportFormat) -> Column:
    """A heading that is neither mapped nor an alias is a parameter's name."""
    target = export_format.columns.get(heading) or FIELD_OF_HEADING.get(heading) or f"params.{heading}"
    field, _, member = target.partition(".")
    if field == "identities" and FIELD_OF.get(member) in (*IDENTITY_FIELDS, "userId"):
        field, member = FIELD_OF[member], ""
    kind = export_format.types.get(heading) or ("json" if not member and field in OBJECT_FIELDS else "text")
    return Column(place, heading, field, member, kind, cell_reader(kind, heading))


def _refuse_two_of_one_member(columns: Sequence[Column]) -> None:
    taken: dict[tuple[str, str], str] = {}
    for column in columns:
        if (
            column.member
            and (first := taken.setdefault((column.field, column.member), column.heading)) != column.heading
        ):
            target = f"{column.field}.{column.member}"
            raise ExportError(f"its columns {_listed([first, column.heading])} are both {target}: map one of them")


def _rank(column: Column, export_format: ExportFormat) -> int:
    return -1 if column.heading in export_format.columns else ALIAS_RANK.get(column.heading, len(ALIAS_RANK))


def _listed(headings: Sequence[str]) -> str:
    return ", ".join(repr(heading) for heading in headings)
