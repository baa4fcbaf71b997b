"""Print an inspection for people: what the file is, its columns, what it would give, and the export format to copy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import yaml
from rich.console import Console
from rich.table import Table
from rich.text import Text

from airflow_netmera_kinesis.inspection.column_guess import KNOWN, PARAMETER, PROPOSED, SAID
from airflow_netmera_kinesis.inspection.inspecting import Inspection
from airflow_netmera_kinesis.inspection.proposal import ColumnReading
from airflow_netmera_kinesis.inspection.trial import NAMELESS, Trial
from airflow_netmera_kinesis.storage import FileInfo

_WHY = {SAID: "as said", KNOWN: "known heading", PROPOSED: "a guess", PARAMETER: "parameter"}
_SHOWN_CODES, _SHOWN_FAULTS = 10, 5


def print_text(console: Console, info: FileInfo, found: Inspection, *, is_said: bool) -> None:
    """``is_said``: the events are read by the export format that was given, not by the one that is proposed."""
    _print_file(console, info, found)
    _print_columns(console, found.proposal.columns)
    if found.trial is None:
        console.print(f"\nIt cannot be read: {found.why_not}", markup=False)
    else:
        _print_trial(console, found.trial)
    if found.proposal.remarks:
        console.print("\nTo know:")
        for remark in found.proposal.remarks:
            console.print(Text(f"- {remark}"))
    if found.proposal.document:
        console.print(f"\nThe export format{', with what it leaves open' if is_said else ''}:\n")
        console.print(Text(yaml_of(found.proposal.document).rstrip()), soft_wrap=True)
    else:
        console.print("\nIt needs no export format.")


def yaml_of(document: Mapping[str, Any]) -> str:
    """Write an export format as it is read."""
    return yaml.safe_dump(dict(document), allow_unicode=True, sort_keys=False, width=1000)


def _print_file(console: Console, info: FileInfo, found: Inspection) -> None:
    sample = found.sample
    console.print(Text(f"{info.name}: {sample.found.format.upper()}, {info.size:,} bytes"))
    about = {
        "packing": sample.packing and f"{sample.packing}{f', {sample.member}' if sample.member else ''}",
        "encoding": sample.found.format == "csv" and _encoding(found),
        "delimiter": sample.found.delimiter,
        "sheet": sample.found.sheet,
    }
    for name, value in about.items():
        if value:
            console.print(Text(f"  {name:<10} {value}"))


def _encoding(found: Inspection) -> str:
    name, by = found.sample.found.encoding
    return f"{name} ({by})" if by else name


def _print_columns(console: Console, columns: tuple[ColumnReading, ...]) -> None:
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("column", max_width=20, overflow="fold")
    table.add_column("for example", max_width=20, no_wrap=True, overflow="ellipsis")
    table.add_column("read as", max_width=20, overflow="fold")
    table.add_column("type")
    table.add_column("why")
    for column in columns:
        cells = (column.heading, column.example, column.target, column.type, _WHY[column.why])
        table.add_row(*map(Text, cells))
    console.print()
    console.print(table)


def _print_trial(console: Console, trial: Trial) -> None:
    how_far = "all" if trial.is_whole_file else "the first"
    events = trial.rows - trial.malformed
    console.print(f"\nRead {how_far} {trial.rows:,} rows = malformed {trial.malformed:,} + events {events:,}")
    for fault in trial.faults[:_SHOWN_FAULTS]:
        console.print(Text(f"  {fault.count:,} malformed, from line {fault.line:,}: {fault.message}"))
    if len(trial.faults) > _SHOWN_FAULTS:
        console.print(f"  and {len(trial.faults) - _SHOWN_FAULTS} other faults")
    for warning in trial.warnings:
        console.print(Text(f"  {warning}"))
    if trial.codes:
        console.print("\nEvents by code, or by name where there is none:")
    for code, count in list(trial.codes.items())[:_SHOWN_CODES]:
        console.print(Text(f"  {count:>8,}  {'(no code, no name)' if code == NAMELESS else code}"))
    if len(trial.codes) > _SHOWN_CODES:
        console.print(f"            and {len(trial.codes) - _SHOWN_CODES} other codes or names")
    for number, event in enumerate(trial.events, 1):
        text = msgspec.json.format(msgspec.json.encode(event), indent=0).decode()
        console.print(Text(f"\nEvent {number}: {text}"))
