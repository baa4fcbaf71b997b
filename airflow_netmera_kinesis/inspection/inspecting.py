"""Inspect one file: take a sample, propose an export format, and show what that would give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from airflow_netmera_kinesis.errors import ExportError
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.exports.format_parsing import parse_export_format
from airflow_netmera_kinesis.inspection.proposal import Proposal, propose
from airflow_netmera_kinesis.inspection.sample import Sample, take_sample
from airflow_netmera_kinesis.inspection.trial import Trial, try_out
from airflow_netmera_kinesis.storage import FileInfo, ReadableFolder


class Inspection(msgspec.Struct, frozen=True):
    """``trial`` is what the first rows gave; without it ``why_not`` says why they cannot be read."""

    sample: Sample
    proposal: Proposal
    trial: Trial | None
    why_not: str = ""


def inspect(folder: ReadableFolder, info: FileInfo, said: Mapping[str, Any] | None, rows: int) -> Inspection:
    """Read the first rows by the export format that was ``said``, or else by what is proposed.

    Raises ExportError for a file that cannot be read or holds nothing.
    """
    export_format = parse_export_format(said)
    with folder.open(info.name) as file:
        sample = take_sample(file, info.name, info.size, export_format, rows)
    counts = export_format.of_file(f"{info.name}/{sample.member}", info.name)
    proposal = propose(sample, said or {}, counts)
    tried = parse_export_format(proposal.document) if said is None else export_format
    try:
        return Inspection(sample, proposal, _try(folder, info, tried, rows))
    except ExportError as error:
        return Inspection(sample, proposal, None, str(error).removeprefix(f"{info.name}: "))


def _try(folder: ReadableFolder, info: FileInfo, export_format: ExportFormat, rows: int) -> Trial:
    with folder.open(info.name) as file:
        return try_out(file, info.name, info.size, export_format, rows)
