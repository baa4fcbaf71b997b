"""Read the documents that options name, without loading Airflow for files of this machine."""

from __future__ import annotations

from airflow_netmera_kinesis.cli.options import place, setting
from airflow_netmera_kinesis.exports.export_format import ExportFormat, load_export_format
from airflow_netmera_kinesis.location import read_document
from airflow_netmera_kinesis.netmera.definition_parsing import load_definitions
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition


def definitions_at(given: str | None) -> tuple[HookDefinition, ...]:
    """Read the hook definitions that ``--hooks`` names, else those that are configured."""
    uri = setting(given, "hooks")
    return load_definitions(read_document(uri, "hooks"), uri)


def export_format_at(given: str | None) -> ExportFormat:
    """Read the export format that ``--export-format`` names; without one, each file says it by itself."""
    if not given:
        return ExportFormat()
    uri = place(given)
    return load_export_format(read_document(uri, "export_format"), uri)
