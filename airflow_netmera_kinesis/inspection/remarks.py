"""Remark what no guess can know: what a person must decide, or say in the hooks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airflow_netmera_kinesis.exports.header import looks_like_values
from airflow_netmera_kinesis.inspection.cell_guess import have_decimal_commas
from airflow_netmera_kinesis.inspection.column_guess import Target
from airflow_netmera_kinesis.inspection.sample import Sample
from airflow_netmera_kinesis.inspection.time_guess import TimeGuess
from airflow_netmera_kinesis.netmera.definition_parsing import KEY_FIELDS
from airflow_netmera_kinesis.netmera.hook_definition import TriggerType


def remarks_on(
    sample: Sample, targets: Mapping[str, Target], times: TimeGuess | None, document: Mapping[str, Any]
) -> Iterator[str]:
    """``document`` is the export format that was said, with what is proposed."""
    if sample.found.format != "ndjson" and looks_like_values([*sample.columns]):
        yield "the first row looks like values, not like headings: such a file needs a row of headings above it"
    fields = {target for target, _ in targets.values()} | set(document.get("constants", ()))
    yield from _on_times(fields, times, document)
    if document.get("record_type") != TriggerType.MESSAGE_LOG.value:
        yield from _on_events(fields, document)
    yield from _on_users(fields)
    commas = [heading for heading, cells in sample.columns.items() if have_decimal_commas(cells)]
    if commas:
        yield f"{', '.join(commas)}: numbers with a decimal comma stay text"
    if len(sample.members) > 1:
        yield f"the archive holds {len(sample.members)} files; this is the first, and the others may differ"


def _on_times(fields: set[str], times: TimeGuess | None, document: Mapping[str, Any]) -> Iterator[str]:
    if "timestamp" not in fields:
        yield "no column is surely the time: map one, as in columns: {Date: timestamp}"
    elif times is None and "timestamp" not in document.get("constants", ()):
        yield "the times are in no form that is known: say time_format, a format of Python's strptime"
    elif times is not None and times.could_be_month_first:
        yield f"no day is above 12: instead of {times.time_format} the month may come first"
    if times is not None and not times.has_zone:
        yield f"the times tell no zone: they are read as those of {document['time_zone']}"


def _on_events(fields: set[str], document: Mapping[str, Any]) -> Iterator[str]:
    if "recordType" in fields or "eventCode" in fields or document.get("names_to_codes"):
        return
    if "eventName" in fields:
        yield "events have names and no codes: let hooks say event_name, or fill names_to_codes"
    else:
        yield "nothing names the event: for a file of one event code say constants: {eventCode: …}"


def _on_users(fields: set[str]) -> Iterator[str]:
    if "userId" in fields:
        return
    instead = next((field for field in KEY_FIELDS if field in fields), "")
    if instead:
        yield f"there is no userId: let hooks say partition_key: [userId, {instead}]"
    else:
        yield f"there is no {', no '.join(KEY_FIELDS)}: each firing would be set aside as MISSING_USER_ID"
