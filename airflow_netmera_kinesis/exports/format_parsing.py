"""Read an export format as people write it, and refuse what could not be honoured: all faults at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from airflow_netmera_kinesis.document import load_document
from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.exports.export_format import AUTO, FORMATS, ExportFormat, FileFormat
from airflow_netmera_kinesis.exports.format_fields import (
    columns_of,
    constants_of,
    delimiter_of,
    encoding_of,
    names_to_codes_of,
    time_format_of,
    time_zone_of,
    types_of,
)
from airflow_netmera_kinesis.fields import Fields
from airflow_netmera_kinesis.netmera.hook_definition import TriggerType
from airflow_netmera_kinesis.netmera.timestamp import TimeReader

_OF_ALL_FILES = ("names_to_codes", "files")  # events are matched by their names wherever they come from
_MERGED = ("columns", "types", "constants")


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
    parsed = msgspec.structs.replace(_parsed(fields), files=_files(fields, document, faults))
    if faults:
        raise ConfigurationError(f"{len(faults)} fault(s) in the export format:\n  - " + "\n  - ".join(faults))
    return parsed


def _parsed(fields: Fields) -> ExportFormat:
    zone = time_zone_of(fields)
    form = time_format_of(fields)
    return ExportFormat(
        format=fields.choice("format", [AUTO, *FORMATS], AUTO),
        record_type=TriggerType(fields.choice("record_type", [t.value for t in TriggerType], TriggerType.EVENT.value)),
        encoding=encoding_of(fields),
        delimiter=delimiter_of(fields),
        sheet=fields.text("sheet"),
        columns=columns_of(fields),
        types=types_of(fields),
        constants=constants_of(fields, TimeReader(zone, form)),
        names_to_codes=names_to_codes_of(fields),
        time_format=form,
        time_zone=zone,
    )


def _files(fields: Fields, document: Mapping[Any, Any], faults: list[str]) -> tuple[FileFormat, ...]:
    """Read what is different in some files, over what is said for all."""
    entries = document.get("files", [])
    if not isinstance(entries, list):
        fields.refuse("files", "a list of mappings, each with a glob and what is different in the files that it fits")
        return ()
    known = {fault.removeprefix(f"{fields.where}: ") for fault in faults}
    found: list[FileFormat] = []
    for number, entry in enumerate(entries, 1):
        where = f"{fields.where}: files, entry {number}"
        if not isinstance(entry, Mapping):
            faults.append(f"{where} is {entry!r}; allowed: a mapping")
            continue
        own = Fields(entry, where, faults)
        own.allow_only(["glob", *(name for name in ExportFormat.__struct_fields__ if name not in _OF_ALL_FILES)])
        if "glob" not in own:
            faults.append(f"{where}: glob is missing; allowed: a file's name, or a pattern such as *_PURCHASE_*")
        more: list[str] = []
        parsed = _parsed(Fields(_merged(document, entry), where, more))
        # What is wrong with what is said for all files was told already.
        faults.extend(fault for fault in more if fault.removeprefix(f"{where}: ") not in known)
        found.append(FileFormat(own.text("glob") or "", parsed))
    return tuple(found)


def _merged(document: Mapping[Any, Any], entry: Mapping[Any, Any]) -> dict[Any, Any]:
    merged = {name: value for name, value in {**document, **entry}.items() if name not in (*_OF_ALL_FILES, "glob")}
    for name in _MERGED:
        for_all, own = document.get(name), entry.get(name)
        if isinstance(for_all, Mapping) and isinstance(own, Mapping):
            merged[name] = {**for_all, **own}
    return merged
