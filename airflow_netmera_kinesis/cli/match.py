"""``netmera-kinesis match``: show which records a run would make. It stages and sends nothing, and needs no AWS."""

from __future__ import annotations

import sys
from typing import Any, BinaryIO

import click
import msgspec
from rich.console import Console
from rich.table import Table

from airflow_netmera_kinesis.cli.documents import definitions_at, export_format_at, files_at
from airflow_netmera_kinesis.cli.exit_status import DONE, FAILED
from airflow_netmera_kinesis.cli.options import export_format_option, exports_option, hooks_option, max_record_size
from airflow_netmera_kinesis.cli.output import as_json, print_json, progress_bar, text_console
from airflow_netmera_kinesis.hash_key import fetch_keys
from airflow_netmera_kinesis.record import StagedRecord
from airflow_netmera_kinesis.stages.offline_match import OfflineMatch, match_offline
from airflow_netmera_kinesis.state.dead_letter import DeadLetter

EXAMPLE = """\b
Example:
  netmera-kinesis match --exports exports/ --hooks hooks.yaml --output -
"""


class _Lines:
    """Write each record, or each dead letter, as one line of JSON."""

    def __init__(self, file: BinaryIO | None) -> None:
        self._file = file

    def write(self, stream: str, partition: int, record: StagedRecord) -> None:
        """Write a record as Kinesis would get it, its data as JSON."""
        if self._file is not None:
            line = {"stream": stream, "partitionKey": record.key, "data": msgspec.Raw(record.payload)}
            self._file.write(msgspec.json.encode(line) + b"\n")


class _Letters:
    def __init__(self, file: BinaryIO | None) -> None:
        self._file = file

    def write(self, letter: DeadLetter) -> None:
        """Write a dead letter as a run would."""
        if self._file is not None:
            self._file.write(msgspec.json.encode(letter) + b"\n")


@click.command(epilog=EXAMPLE)
@exports_option
@hooks_option
@export_format_option
@click.option(
    "--output",
    metavar="FILE",
    type=click.File("wb", lazy=False),
    help="Write the records here, one JSON document a line; - is standard output.",
)
@click.option(
    "--dead-letters",
    metavar="FILE",
    type=click.File("wb", lazy=False),
    help="Write what can never be sent here, one JSON document a line; - is standard output.",
)
@max_record_size
@as_json
@click.pass_context
def command(
    ctx: click.Context,
    exports: str | None,
    hooks: str | None,
    export_format: str | None,
    output: BinaryIO | None,
    dead_letters: BinaryIO | None,
    max_record_size: int,
    as_json: bool,
) -> None:
    """Match exports with the hooks and count the records.

    With --output it also writes them: stream, partition key and payload as a consumer would get it.
    """
    definitions, read_as = definitions_at(hooks), export_format_at(export_format)
    folder, files = files_at(exports, read_as)
    with progress_bar("Matching", sum(info.size for info in files)) as advance:
        found = match_offline(
            folder, files, definitions, read_as, _Lines(output), _Letters(dead_letters),
            partitions=1, max_record_bytes=max_record_size * 1024, advance=advance, keys=fetch_keys(definitions),
        )  # fmt: skip
    to_stderr = sys.stdout.buffer in (output, dead_letters)
    if as_json:
        print_json(_document(found), err=to_stderr)
    else:
        _print_text(text_console(stderr=to_stderr), found)
    ctx.exit(FAILED if found.damaged else DONE)


def _document(found: OfflineMatch) -> dict[str, Any]:
    return {
        "files": len(found.files),
        "read": sum(file.lines for file in found.files),
        "malformed": sum(file.malformed for file in found.files),
        "events": sum(file.events for file in found.files),
        "damaged": found.damaged,
        "hooks": [
            {"hook": hook.name, "firings": hook.firings, "records": hook.staged, "dead_letters": dict(hook.dead)}
            for hook in found.hooks
        ],
    }


def _print_text(console: Console, found: OfflineMatch) -> None:
    counts = _document(found)
    console.print(
        f"{counts['files']} files: read {counts['read']:,} = malformed {counts['malformed']:,} "
        f"+ events {counts['events']:,}"
    )
    for damaged in found.damaged:
        console.print(f"damaged: {damaged.file}: {damaged.why}", markup=False)
    table = Table(box=None, header_style="bold")
    for place, heading in enumerate(("hook", "firings", "records", "dead letters")):
        table.add_column(heading, justify="right" if place else "left")
    for hook in found.hooks:
        dead = ", ".join(f"{reason} {count:,}" for reason, count in hook.dead.items()) or "0"
        table.add_row(hook.name, f"{hook.firings:,}", f"{hook.staged:,}", dead)
    console.print(table)
