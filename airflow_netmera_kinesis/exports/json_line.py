"""Read one line of NDJSON in whichever of its shapes: canonical, with aliases, flat REST style, or a message log."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.netmera.assembling import Assembler, Parts, text_of
from airflow_netmera_kinesis.netmera.canonical_json import compact
from airflow_netmera_kinesis.netmera.event import Event, Malformed, MessageLog
from airflow_netmera_kinesis.netmera.field_name import IDENTITY_FIELDS, OBJECT_FIELDS, VALUE_FIELDS, resolve
from airflow_netmera_kinesis.netmera.timestamp import TimeReader

_JSON_FIELDS = frozenset({*OBJECT_FIELDS, "revenue"})  # these keep their JSON; all others are read as text
_FIELDS = frozenset({*VALUE_FIELDS, *IDENTITY_FIELDS, *OBJECT_FIELDS})
_members = msgspec.json.Decoder(dict[str, Raw]).decode


class JsonLines:
    """Read lines that are valid UTF-8, one by one."""

    def __init__(self, export_format: ExportFormat) -> None:
        times = TimeReader(export_format.time_zone, export_format.time_format)
        self._assembler = Assembler(times, export_format.record_type)
        self._constants: Mapping[str, Raw] = {
            name: Raw(msgspec.json.encode(value)) for name, value in export_format.constants.items()
        }

    def read(self, line: bytes) -> Event | MessageLog:
        """Raise Malformed where the line is no event."""
        try:
            row = _members(compact(line))
        except msgspec.ValidationError:
            raise Malformed("the line is JSON but not an object") from None
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("the line is not JSON") from None
        found, rest = resolve(row, _FIELDS)
        parts = Parts()
        for field, value in {**self._constants, **found}.items():
            if field in _JSON_FIELDS:
                parts.values[field] = value
            else:
                parts.texts[field] = text_of(field, value)
        parts.put_beside("params", rest)
        return self._assembler.event_of(parts)
