"""Check each thing that may be said about exports by itself; a fault is noted with what is allowed."""

from __future__ import annotations

import datetime as dt
import zoneinfo

from airflow_netmera_kinesis.exports.export_format import (
    AUTO,
    CELL_TYPES,
    DEFAULT_TIME_ZONE,
    DELIMITERS,
    IGNORE,
    TARGETS,
    Scalar,
)
from airflow_netmera_kinesis.fields import Fields
from airflow_netmera_kinesis.netmera.assembling import RECORD_TYPES
from airflow_netmera_kinesis.netmera.field_name import IDENTITY_FIELDS, OBJECT_FIELDS, VALUE_FIELDS
from airflow_netmera_kinesis.netmera.timestamp import TimeReader


def encoding_of(fields: Fields) -> str:
    encoding = fields.text("encoding") or AUTO
    try:
        if encoding != AUTO:
            "".encode(encoding)
    except LookupError:
        fields.refuse("encoding", f"{AUTO}, or a text encoding that Python knows, such as utf-8, utf-16 or cp1254")
    return encoding


def delimiter_of(fields: Fields) -> str:
    if "delimiter" in fields and fields["delimiter"] not in (AUTO, *DELIMITERS):
        fields.refuse("delimiter", f"{AUTO} or one of {' '.join(DELIMITERS)}")
        return AUTO
    return str(fields["delimiter"]) if "delimiter" in fields else AUTO


def columns_of(fields: Fields) -> dict[str, str]:
    columns = fields.mapping("columns")
    taken: dict[str, str] = {}
    for heading, target in columns.items():
        if not isinstance(heading, str) or not isinstance(target, str) or not _is_target(target):
            allowed = f"{', '.join(TARGETS)}, or a member such as params.screen"
            fields.fault("columns", f"maps {heading!r} to {target!r}; allowed: {allowed}")
        elif target != IGNORE and target in taken:
            fields.fault("columns", f"maps both {taken[target]!r} and {heading!r} to {target}; allowed: one of them")
        else:
            taken[target] = heading
    return dict(columns)


def _is_target(target: str) -> bool:
    owner, dot, member = target.partition(".")
    return owner in OBJECT_FIELDS and bool(member) if dot else target in TARGETS


def types_of(fields: Fields) -> dict[str, str]:
    types = fields.mapping("types")
    for heading, kind in types.items():
        if not isinstance(heading, str) or kind not in CELL_TYPES:
            fields.fault("types", f"gives {heading!r} the type {kind!r}; allowed: {', '.join(CELL_TYPES)}")
    return dict(types)


def constants_of(fields: Fields, times: TimeReader) -> dict[str, Scalar]:
    constants = fields.mapping("constants")
    for name, value in constants.items():
        if name not in (*VALUE_FIELDS, *IDENTITY_FIELDS):
            allowed = ", ".join((*VALUE_FIELDS, *IDENTITY_FIELDS))
            fields.fault("constants", f"gives a value to {name!r}; allowed: {allowed}")
        elif not isinstance(value, (str, int, float)) or isinstance(value, bool):
            fields.fault("constants", f"gives {name} the value {value!r}; allowed: text or a number")
        elif name == "recordType" and value not in RECORD_TYPES:
            fields.fault("constants", f"gives recordType the value {value!r}; allowed: {', '.join(RECORD_TYPES)}")
        elif name == "timestamp" and not times.reads_all([str(value)]):
            fields.fault(
                "constants", f"gives timestamp the value {value!r}; allowed: a time, such as 2026-09-06 21:30:05"
            )
    return dict(constants)


def names_to_codes_of(fields: Fields) -> dict[str, str]:
    codes = fields.mapping("names_to_codes")
    for name, code in codes.items():
        if not isinstance(name, str) or not isinstance(code, str) or not name.strip() or not code.strip():
            fields.fault("names_to_codes", f"maps {name!r} to {code!r}; allowed: text to text (in YAML in quotes)")
    return dict(codes)


def time_format_of(fields: Fields) -> str | None:
    time_format = fields.text("time_format")
    if time_format is None:
        return None
    probe = dt.datetime(2026, 9, 6, 21, 30, 5, tzinfo=dt.timezone.utc)
    try:
        understood = dt.datetime.strptime(probe.strftime(time_format), time_format).date() == probe.date()  # noqa: DTZ007
    except ValueError:
        understood = False
    if not understood:
        fields.refuse("time_format", "a format of Python's strptime with a whole date, such as %d.%m.%Y %H:%M:%S")
        return None
    return time_format


def time_zone_of(fields: Fields) -> str:
    time_zone = fields.text("time_zone") or DEFAULT_TIME_ZONE
    try:
        zoneinfo.ZoneInfo(time_zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        fields.refuse("time_zone", "a name of the time zone database, such as Europe/Istanbul or UTC")
        return DEFAULT_TIME_ZONE
    return time_zone
