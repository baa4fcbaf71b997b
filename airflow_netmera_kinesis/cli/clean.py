"""``netmera-kinesis clean``: delete dead letters, receipts and staged parts that are older than their retention."""

from __future__ import annotations

import click
from rich.table import Table

from airflow_netmera_kinesis.cli.options import existing_state, place, staging_option, state_option
from airflow_netmera_kinesis.cli.output import as_json, print_json, text_console
from airflow_netmera_kinesis.configuration import configured_defaults
from airflow_netmera_kinesis.location import open_folder
from airflow_netmera_kinesis.stages.cleaning import RETENTION_DAYS, Kind, Litter, find_litter, remove
from airflow_netmera_kinesis.state.letter_archive import dag_of

KINDS = tuple(kind.value for kind in Kind)
EXAMPLE = """\b
Example, from cron or a DAG's BashOperator:
  netmera-kinesis clean --older-than 30 --yes
"""


@click.command(short_help="Delete what is past its retention, or left by killed runs.", epilog=EXAMPLE)
@state_option
@staging_option
@click.option(
    "--older-than",
    type=click.IntRange(1),
    default=RETENTION_DAYS,
    show_default=True,
    metavar="DAYS",
    help="Keep what is younger, by the store's own clock.",
)
@click.option("--only", multiple=True, type=click.Choice(KINDS), help="Only this.  [default: all three]")
@click.option("--yes", is_flag=True, help="Delete. Without it, only what would be deleted is shown.")
@as_json
def command(
    state: str | None, staging: str | None, older_than: int, only: tuple[str, ...], yes: bool, as_json: bool
) -> None:
    """Delete old dead letters, kept receipts, and what killed runs left in staging.

    Nothing of an open slice goes, and nothing that a run needs: checkpoint, manifests and ledgers stay. Dead letters go
    whether they were replayed or not.
    """
    kinds = {Kind(each) for each in only or KINDS}
    root = existing_state(state)
    working = place(staging) if staging else configured_defaults()["staging"]
    parts = open_folder(working, "staging") if working and Kind.STAGING in kinds else None
    found = find_litter(root, parts, older_than, kinds)
    if yes:
        for litter in found:
            remove(root, parts, litter)
    if as_json:
        print_json({"litter": found, "bytes": sum(litter.bytes for litter in found), "deleted": yes})
        return
    _print_table(found)
    total = f"{sum(litter.files for litter in found):,} files, {sum(litter.bytes for litter in found):,} bytes"
    if not found:
        click.echo(f"Nothing is older than {older_than} days.")
    else:
        click.echo(f"Freed {total}." if yes else f"Nothing was deleted. To free {total}: --yes")
    if parts is None and Kind.STAGING in kinds:
        click.echo("Staging was not looked at: say where it is with --staging.")


def _print_table(found: list[Litter]) -> None:
    """Print a line for each DAG and kind; the slices one by one are for ``--json``."""
    heaps: dict[tuple[str, str], list[Litter]] = {}
    for litter in found:
        heaps.setdefault((litter.kind.value, dag_of(litter.key) if litter.key else "-"), []).append(litter)
    table = Table(box=None, header_style="bold")
    for heading in ("what", "dag"):
        table.add_column(heading, overflow="fold")
    for heading in ("slices", "files", "bytes", "days"):
        table.add_column(heading, justify="right")
    for (what, dag), heap in sorted(heaps.items()):
        slices, files = len({litter.slice for litter in heap}), sum(litter.files for litter in heap)
        size, days = sum(litter.bytes for litter in heap), max(litter.days for litter in heap)
        table.add_row(what, dag, f"{slices:,}", f"{files:,}", f"{size:,}", str(days))
    if found:
        text_console().print(table)
