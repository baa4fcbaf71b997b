"""Write dead letters, and what a replay of them comes to, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from airflow_netmera_kinesis.stages.found_letters import FoundLetter, Status
from airflow_netmera_kinesis.stages.letter_groups import LetterGroup
from airflow_netmera_kinesis.stages.replay import Shown

_FIELDS = ("event_base64", "columns", "delimiter", "key", "replay_of")


def print_groups(console: Console, groups: Sequence[LetterGroup]) -> None:
    """Print a table for each DAG, and the sums."""
    for dag in dict.fromkeys(group.dag for group in groups):
        console.print(f"dead letters of {dag}", markup=False)
        table = _table("reason", "hook", "file", "open", "replayed", text=3)
        for group in groups:
            if group.dag == dag:
                table.add_row(group.reason, group.hook or "-", group.file, f"{group.open:,}", f"{group.replayed:,}")
        console.print(table)
    sums = {name: sum(getattr(group, name) for group in groups) for name in ("open", "replayed", "waiting", "given_up")}
    console.print(f"{sums['open']:,} open, {sums['replayed']:,} replayed")
    if perhaps := sum(group.perhaps_stored for group in groups):
        console.print(f"PERHAPS_STORED: {perhaps:,} of the open ones; replayed, they may be in the stream twice")
    if sums["waiting"]:
        console.print(
            f"{sums['waiting']:,} more in slices that are still open: they may be replayed once these are done"
        )
    if sums["given_up"]:
        console.print(f"{sums['given_up']:,} more in slices that were given up: later slices take their events")


def print_letter(console: Console, found: FoundLetter) -> None:
    """Print one letter with all that it holds."""
    letter = found.letter
    of = f" of hook {letter.hook}, stream {letter.stream}" if letter.hook else ""
    status = "" if found.status is Status.OPEN else f" ({found.status.value})"
    marked = ", PERHAPS_STORED" if letter.perhaps_stored else ""
    console.print(f"{letter.reason.value}{marked}{of}: {letter.file}, line {letter.line}{status}", markup=False)
    console.print(f"  slice {found.at.slice}, event id {letter.event_id or 'unknown'}: {letter.message}", markup=False)
    for name in _FIELDS:
        value = getattr(letter, name)
        if value is not None:
            console.print(f"  {name}: {msgspec.json.encode(value).decode()}", markup=False, soft_wrap=True)
    if letter.event:
        console.print(f"  {bytes(letter.event).decode()}", markup=False, soft_wrap=True)


def print_shown(console: Console, shown: Shown, dag: str) -> None:
    """Print what would be sent, what is left, and what a consumer must be ready for."""
    chosen = shown.chosen
    console.print(f"dead letters of {dag}: {chosen.letters:,} to replay", markup=False)
    for why, number in sorted(chosen.left.items()):
        console.print(f"left: {number:,}: {why}", markup=False)
    if not chosen.letters:
        return
    table = _table("hook", "matches", "records", "dead letters again")
    for hook in shown.counted.hooks:
        if hook.firings:
            dead = ", ".join(f"{reason} {count:,}" for reason, count in sorted(hook.dead.items())) or "0"
            table.add_row(hook.name, f"{hook.firings:,}", f"{hook.staged:,}", dead)
    console.print(table)
    if malformed := shown.summary()["still_malformed"]:
        console.print(f"still malformed: {malformed:,}")
    if chosen.perhaps_stored:
        console.print(f"PERHAPS_STORED: {chosen.perhaps_stored:,}, which may then be in the stream twice")
    if users := shown.counted.users:
        console.print(
            f"Newer events of the same user may have been sent already. Users whom that may concern: {users:,}, all "
            f"whose records these are."
        )


def print_outcome(console: Console, counts: Mapping[str, Any]) -> None:
    """Print what became of the letters of one replay."""
    console.print(
        f"replayed {counts['letters']:,} dead letters: delivered {counts['letters_delivered']:,}, dead letters again "
        f"{counts['letters_set_aside_again']:,}, wanted by no hook {counts['letters_unmatched']:,}"
    )


def _table(*headings: str, text: int = 1) -> Table:
    table = Table(box=None, header_style="bold")
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place < text else "right", overflow="fold")
    return table
