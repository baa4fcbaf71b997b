"""Make events of rows that were found sound, without looking for what cannot be wrong any more."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from airflow_netmera_kinesis.exports.csv_columns import Column, Columns
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.netmera.event import ABSENT, NO_IDENTITIES, Event, Identities
from airflow_netmera_kinesis.netmera.field_name import IDENTITY_FIELDS
from airflow_netmera_kinesis.netmera.missing_value import NO_VALUE, is_missing
from airflow_netmera_kinesis.netmera.timestamp import TimeReader

_TEXTS = ("id", "appKey", "eventCode", "eventName", "userId", *IDENTITY_FIELDS)
_VALUES = ("params", "revenue", "profile", "device")
_encode = msgspec.json.Encoder().encode
_members = msgspec.json.Decoder(dict[str, Raw]).decode


_NO_IDS = [None] * len(IDENTITY_FIELDS)


class SoundRows:
    """Events of rows that ``TableCheck`` has no doubt of: the same that ``event_of_cells`` makes, in half the time."""

    def __init__(self, columns: Columns, export_format: ExportFormat, times: TimeReader) -> None:
        constants = export_format.constants
        self._read_time = times.read
        self._time_place = next((column.place for column in columns.texts if column.field == "timestamp"), -1)
        self._no_texts = [str(constants[field]) if field in constants else None for field in _TEXTS]
        self._no_values = [Raw(_encode(constants[field])) if field in constants else ABSENT for field in _VALUES]
        self._texts = [(_TEXTS.index(each.field), each.place) for each in columns.texts if each.field in _TEXTS]
        self._values = [
            (_VALUES.index(each.field), each.place, each.read) for each in columns.values if each.field in _VALUES
        ]
        self._members = [
            (_VALUES.index(owner), [each for each in columns.members if each.field == owner])
            for owner in dict.fromkeys(each.field for each in columns.members)
            if owner in _VALUES
        ]

    def event_of(self, cells: Sequence[str]) -> Event:
        texts, values = self._no_texts.copy(), self._no_values.copy()
        for position, place in self._texts:
            cell = cells[place]
            if cell not in NO_VALUE and not cell.isspace():  # is_missing, without the call
                texts[position] = cell
        for position, place, read in self._values:
            cell = cells[place]
            if cell not in NO_VALUE and not cell.isspace():
                values[position] = read(cell)
        for position, members in self._members:
            values[position] = _with_members(values[position], members, cells)
        event_id, app_key, event_code, event_name, user_id, *ids = texts
        params, revenue, profile, device = values
        identities = NO_IDENTITIES if ids == _NO_IDS else Identities(*ids)
        time_ms = self._read_time(cells[self._time_place])
        return Event(
            "EVENT", event_id, app_key, event_code, event_name, time_ms, user_id, params, revenue, profile, identities,
            device,
        )  # fmt: skip


def _with_members(whole: Raw, members: Sequence[Column], cells: Sequence[str]) -> Raw:
    beside = {
        column.member: column.read(cells[column.place]) for column in members if not is_missing(cells[column.place])
    }
    if not beside:
        return whole
    return Raw(_encode(beside if whole is ABSENT else {**_members(whole), **beside}))
