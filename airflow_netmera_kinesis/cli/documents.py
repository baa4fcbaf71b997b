"""Read what options name, without loading Airflow for files of this machine."""

from __future__ import annotations

from airflow_netmera_kinesis.cli.options import place, setting
from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.exports.format_parsing import load_export_format
from airflow_netmera_kinesis.exports.listing import sending_order
from airflow_netmera_kinesis.location import open_exports, read_document
from airflow_netmera_kinesis.netmera.definition_parsing import load_definitions
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition
from airflow_netmera_kinesis.plan_request import zone_of
from airflow_netmera_kinesis.storage import FileInfo, ReadableFolder


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


def files_at(given: str | None, export_format: ExportFormat) -> tuple[ReadableFolder, list[FileInfo]]:
    """Open what ``--exports`` names and list its files in the order in which a run would send them."""
    uri = setting(given, "exports")
    exports = open_exports(uri)
    files = sorted(exports.files(), key=lambda info: sending_order(info, zone_of(export_format)))
    if not files:
        raise ConfigurationError(f"exports is {uri!r}: there is no file in it")
    return exports.folder, files
