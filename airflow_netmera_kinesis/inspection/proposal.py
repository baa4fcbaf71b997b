"""Propose what an export format must say for a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from airflow_netmera_kinesis.exports.export_format import AUTO, ExportFormat
from airflow_netmera_kinesis.inspection.cell_guess import type_of
from airflow_netmera_kinesis.inspection.column_guess import PROPOSED, Target, targets_of_columns, targets_of_lines
from airflow_netmera_kinesis.inspection.heading_guess import plain
from airflow_netmera_kinesis.inspection.remarks import remarks_on
from airflow_netmera_kinesis.inspection.sample import Sample
from airflow_netmera_kinesis.inspection.time_guess import TimeGuess, guess_times
from airflow_netmera_kinesis.netmera.field_name import ALIAS_RANK, OBJECT_FIELDS
from airflow_netmera_kinesis.netmera.hook_definition import TriggerType

# What getPushResult says of a message, and no event does.
_OF_MESSAGES = {"platform", "msgtitle", "msgtext", "errormsg", "errorcode", "notificationkey", "channel"}


class ColumnReading(msgspec.Struct, frozen=True):
    """One column: what it is read as and why, the type of its cells, and one of them."""

    heading: str
    target: str
    why: str
    type: str
    example: str


class Proposal(msgspec.Struct, frozen=True):
    """``document`` is an export format as it is written: all that was said, and what is missing."""

    columns: tuple[ColumnReading, ...]
    document: dict[str, Any]
    remarks: tuple[str, ...]


def propose(sample: Sample, said: Mapping[str, Any], export_format: ExportFormat) -> Proposal:
    """``said`` is the export format as it was written, ``export_format`` what of it counts for this file."""
    is_table = sample.found.format != "ndjson"
    targets = targets_of_columns(sample, export_format) if is_table else targets_of_lines(sample)
    types = _types(sample, targets, export_format) if is_table else {}
    times = guess_times(_cells_of("timestamp", sample, targets), export_format.time_format)
    document = {
        **said,
        **(_text(sample, export_format) if sample.found.format == "csv" else {}),
        **_merged(said, "columns", {heading: target for heading, (target, why) in targets.items() if why == PROPOSED}),
        **_merged(said, "types", types),
        **_record_type(sample, targets, export_format),
        **_time(times, export_format),
    }
    columns = tuple(
        ColumnReading(heading, *targets[heading], _type(heading, targets, types, export_format), next(iter(cells), ""))
        for heading, cells in sample.columns.items()
        if heading
    )
    return Proposal(columns, document, tuple(remarks_on(sample, targets, times, document)))


def _text(sample: Sample, export_format: ExportFormat) -> dict[str, Any]:
    """Say the delimiter, and an encoding that nobody would expect."""
    name, by = sample.found.encoding
    is_told = name == "utf-8" or export_format.encoding != AUTO or not by.startswith("guessed")
    return {"delimiter": sample.found.delimiter, **({} if is_told else {"encoding": name})}


def _types(sample: Sample, targets: Mapping[str, Target], export_format: ExportFormat) -> dict[str, str]:
    """Type the numbers, booleans and JSON among parameters and attributes; ids and texts stay text."""
    types = {}
    for heading in sample.columns:
        target, _ = targets[heading]
        owner, dot, _ = target.partition(".")
        if (dot or target == "revenue") and owner != "identities" and heading not in export_format.types:
            kind = type_of(sample.columns[heading])
            if kind != "text":
                types[heading] = kind
    return types


def _type(heading: str, targets: Mapping[str, Target], types: Mapping[str, str], export_format: ExportFormat) -> str:
    target, _ = targets[heading]
    untyped = "time" if target == "timestamp" else "json" if target in OBJECT_FIELDS else "text"
    return types.get(heading) or export_format.types.get(heading) or untyped


def _record_type(sample: Sample, targets: Mapping[str, Target], export_format: ExportFormat) -> dict[str, Any]:
    named = {target for target, _ in targets.values()} & {"eventCode", "eventName", "recordType"}
    words = set(map(plain, sample.columns))
    is_event = named or export_format.constants or "status" not in words or not words & _OF_MESSAGES
    return {} if is_event else {"record_type": TriggerType.MESSAGE_LOG.value}


def _time(times: TimeGuess | None, export_format: ExportFormat) -> dict[str, Any]:
    if times is None:
        return {}
    form = {"time_format": times.time_format} if times.time_format and not export_format.time_format else {}
    return form if times.has_zone else {**form, "time_zone": export_format.time_zone}


def _cells_of(field: str, sample: Sample, targets: Mapping[str, Target]) -> Sequence[str]:
    """Return the cells of the column that comes first for a field."""
    headings = [heading for heading, (target, _) in targets.items() if target == field]
    best = min(headings, key=lambda heading: ALIAS_RANK.get(heading, -1), default="")
    return sample.columns.get(best, ())


def _merged(said: Mapping[str, Any], name: str, more: Mapping[str, str]) -> dict[str, Any]:
    return {name: {**said.get(name, {}), **more}} if more else {}
