"""``netmera-kinesis inspect``: show how an unknown export would be read, with an export format to copy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from airflow_netmera_kinesis.cli.exit_status import DONE, FAILED
from airflow_netmera_kinesis.cli.inspect_text import print_text, yaml_of
from airflow_netmera_kinesis.cli.options import export_format_option, place
from airflow_netmera_kinesis.cli.output import as_json, print_json, text_console
from airflow_netmera_kinesis.document import load_document
from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.exports.listing import has_magic
from airflow_netmera_kinesis.inspection.inspecting import Inspection, inspect
from airflow_netmera_kinesis.location import open_exports, read_document
from airflow_netmera_kinesis.storage import FileInfo, ReadableFolder

EXAMPLE = """\b
Example:
  netmera-kinesis inspect events.csv --write export_format.yaml
  netmera-kinesis inspect events.csv --export-format export_format.yaml
"""


@click.command(short_help="Show how FILE would be read, and propose an export format.", epilog=EXAMPLE)
@click.argument("file")
@export_format_option
@click.option(
    "--lines", type=click.IntRange(1), default=10_000, show_default=True, metavar="N", help="Look at about so many."
)
@click.option("--write", metavar="NEW", type=click.Path(path_type=Path), help="Write the export format to a new file.")
@as_json
@click.pass_context
def command(
    ctx: click.Context, file: str, export_format: str | None, lines: int, write: Path | None, as_json: bool
) -> None:
    """Show how FILE would be read: its format, its columns, its first events.

    FILE is an export, a path or a URI. Without --export-format one is proposed, to copy or to --write; with it, it is
    tried, and what it leaves open is proposed.
    """
    folder, info = _file_at(file)
    said = _said(export_format)
    found = inspect(folder, info, said, lines)
    if as_json:
        print_json(_document(info, found))
    else:
        print_text(text_console(), info, found, is_said=said is not None)
    if write is not None:
        _write(write, found)
    ctx.exit(DONE if found.trial and found.trial.malformed < found.trial.rows else FAILED)


def _file_at(given: str) -> tuple[ReadableFolder, FileInfo]:
    uri = place(given)
    if uri.startswith("/") and not has_magic(uri) and not Path(uri).exists():
        raise ConfigurationError(f"there is no file {given!r}")
    exports = open_exports(uri)
    found = sorted(exports.files(), key=lambda info: info.name)
    if len(found) != 1 or not (exports.file or exports.glob):
        such = f"such as {found[0].name}" if found else "and there is none in it"
        raise ConfigurationError(f"{given!r} is a folder, or several files: name one file, {such}")
    return exports.folder, found[0]


def _said(given: str | None) -> Mapping[str, Any] | None:
    """Return an export format as it is written; what is wrong with it is told when it is read."""
    if given is None:
        return None
    uri = place(given)
    document = load_document(read_document(uri, "export_format"), uri)
    if not isinstance(document, Mapping):
        raise ConfigurationError(f"export_format is {given!r}, which holds no mapping")
    return document


def _write(path: Path, found: Inspection) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(yaml_of(found.proposal.document))
    except FileExistsError:
        raise ConfigurationError(f"--write is {str(path)!r}, which is there already: it is not written over") from None


def _document(info: FileInfo, found: Inspection) -> dict[str, Any]:
    sample, proposal, trial = found.sample, found.proposal, found.trial
    return {
        "file": info.name,
        "size": info.size,
        "packing": sample.packing,
        "members": sample.members,
        "member": sample.member,
        "format": sample.found.format,
        "encoding": {"name": sample.found.encoding.name, "by": sample.found.encoding.by},
        "delimiter": sample.found.delimiter,
        "sheet": sample.found.sheet,
        "columns": proposal.columns,
        "remarks": proposal.remarks,
        "trial": trial,
        "why_not": found.why_not,
        "export_format": proposal.document,
    }
