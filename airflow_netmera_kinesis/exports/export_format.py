"""Decide what may be said about the files of an export folder, and refuse what could not be honoured."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Mapping

import msgspec

from airflow_netmera_kinesis.document import load_document
from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.fields import Fields
from airflow_netmera_kinesis.netmera.field_name import IDENTITY_FIELDS, OBJECT_FIELDS, VALUE_FIELDS
from airflow_netmera_kinesis.netmera.hook_definition import TriggerType

AUTO = "auto"
IGNORE = "ignore"  # the target of a column that is left out on purpose
FORMATS = ("ndjson", "csv")
# Netmera: Reports > Data Export offers these six.
DELIMITERS = (",", "|", "~", "¦", "^", ";")
CELL_TYPES = ("text", "number", "integer", "boolean", "json")
TARGETS = (*VALUE_FIELDS, *IDENTITY_FIELDS, *OBJECT_FIELDS, IGNORE)
DEFAULT_TIME_ZONE = "Europe/Istanbul"

Scalar = str | int | float


class ExportFormat(msgspec.Struct, frozen=True, omit_defaults=True):
    """How to read the files.

    ``columns`` maps a CSV heading to a target: a field of the canonical record, a member of one of its objects
    (``params.screen``, ``profile.city``), or ``ignore``. A heading that is neither mapped nor an alias becomes a
    parameter. ``constants`` fill fields that a record lacks; ``names_to_codes`` gives an event name its code.
    """

    format: str = AUTO
    record_type: TriggerType = TriggerType.EVENT
    encoding: str = AUTO
    delimiter: str = AUTO
    columns: dict[str, str] = {}
    types: dict[str, str] = {}
    constants: dict[str, Scalar] = {}
    names_to_codes: dict[str, str] = {}
    time_format: str | None = None
    time_zone: str = DEFAULT_TIME_ZONE


def load_export_format(data: bytes, source: str) -> ExportFormat:
    """Read a YAML or JSON file; ``source`` names it in messages."""
    return parse_export_format(load_document(data, source), source)


def parse_export_format(document: object, source: str = "export_format") -> ExportFormat:
    """Read a mapping; None and an empty one stand for the defaults. Raises ConfigurationError with all faults."""
    if document is None:
        return ExportFormat()
    if not isinstance(document, Mapping):
        raise ConfigurationError(f"{source} is {document!r}; allowed: a mapping")
    faults: list[str] = []
    fields = Fields(document, source, faults)
    fields.allow_only(ExportFormat.__struct_fields__)
    parsed = ExportFormat(
        format=fields.choice("format", [AUTO, *FORMATS], AUTO),
        record_type=TriggerType(fields.choice("record_type", [t.value for t in TriggerType], TriggerType.EVENT.value)),
        encoding=_encoding(fields),
        delimiter=_delimiter(fields),
        columns=_columns(fields),
        types=_types(fields),
        constants=_constants(fields),
        names_to_codes=_names_to_codes(fields),
        time_format=_time_format(fields),
        time_zone=_time_zone(fields),
    )
    if faults:
        raise ConfigurationError(f"{len(faults)} fault(s) in the export format:\n  - " + "\n  - ".join(faults))
    return parsed


def _encoding(fields: Fields) -> str:
    encoding = fields.text("encoding") or AUTO
    try:
        if encoding != AUTO:
            "".encode(encoding)
    except LookupError:
        fields.refuse("encoding", f"{AUTO}, or a text encoding that Python knows, such as utf-8, utf-16 or cp1254")
    return encoding


def _delimiter(fields: Fields) -> str:
    if "delimiter" in fields and fields["delimiter"] not in (AUTO, *DELIMITERS):
        fields.refuse("delimiter", f"{AUTO} or one of {' '.join(DELIMITERS)}")
        return AUTO
    return str(fields["delimiter"]) if "delimiter" in fields else AUTO


def _columns(fields: Fields) -> dict[str, str]:
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


def _types(fields: Fields) -> dict[str, str]:
    types = fields.mapping("types")
    for heading, kind in types.items():
        if not isinstance(heading, str) or kind not in CELL_TYPES:
            fields.fault("types", f"gives {heading!r} the type {kind!r}; allowed: {', '.join(CELL_TYPES)}")
    return dict(types)


def _constants(fields: Fields) -> dict[str, Scalar]:
    constants = fields.mapping("constants")
    for name, value in constants.items():
        if name not in (*VALUE_FIELDS, *IDENTITY_FIELDS):
            allowed = ", ".join((*VALUE_FIELDS, *IDENTITY_FIELDS))
            fields.fault("constants", f"gives a value to {name!r}; allowed: {allowed}")
        elif not isinstance(value, (str, int, float)) or isinstance(value, bool):
            fields.fault("constants", f"gives {name} the value {value!r}; allowed: text or a number")
    return dict(constants)


def _names_to_codes(fields: Fields) -> dict[str, str]:
    codes = fields.mapping("names_to_codes")
    for name, code in codes.items():
        if not isinstance(name, str) or not isinstance(code, str) or not name.strip() or not code.strip():
            fields.fault("names_to_codes", f"maps {name!r} to {code!r}; allowed: text to text (in YAML in quotes)")
    return dict(codes)


def _time_format(fields: Fields) -> str | None:
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
    return time_format


def _time_zone(fields: Fields) -> str:
    time_zone = fields.text("time_zone") or DEFAULT_TIME_ZONE
    try:
        zoneinfo.ZoneInfo(time_zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        fields.refuse("time_zone", "a name of the time zone database, such as Europe/Istanbul or UTC")
    return time_zone
