"""``netmera-kinesis dead-letters``: list, show and replay what was set aside."""

from __future__ import annotations

from itertools import islice
from typing import Any

import click
import msgspec

from airflow_netmera_kinesis.cli.dead_letters_replay import replay
from airflow_netmera_kinesis.cli.dead_letters_text import print_groups, print_letter
from airflow_netmera_kinesis.cli.letter_options import filter_of, letter_options
from airflow_netmera_kinesis.cli.options import existing_state, state_option
from airflow_netmera_kinesis.cli.output import as_json, print_json, text_console
from airflow_netmera_kinesis.stages.found_letters import FoundLetter, Status, find_letters
from airflow_netmera_kinesis.stages.letter_groups import group_letters
from airflow_netmera_kinesis.state.letter_archive import dag_of

EXAMPLES = """\b
Examples:
  netmera-kinesis dead-letters list --state /srv/netmera/state
  netmera-kinesis dead-letters show --reason MISSING_USER_ID --limit 5
  netmera-kinesis dead-letters replay --hooks hooks.yaml --yes
"""

LIST_EXAMPLE = """\b
Example:
  netmera-kinesis dead-letters list --state /srv/netmera/state --json
"""
SHOW_EXAMPLE = """\b
Example:
  netmera-kinesis dead-letters show --hook purchases --file "app_202609*"
"""


@click.group(epilog=EXAMPLES)
def command() -> None:
    """List, show and replay events that were set aside.

    A dead letter is open until a replay has delivered it. What a replay has dealt with is marked, and is not replayed
    again. Letters of a slice that is not committed yet have to wait.
    """


@command.command("list", epilog=LIST_EXAMPLE)
@state_option
@letter_options
@as_json
def list_letters(state: str | None, as_json: bool, **given: Any) -> None:
    """Count dead letters by reason, hook and file."""
    groups = group_letters(find_letters(existing_state(state), filter_of(given)))
    if as_json:
        print_json({"groups": groups})
    elif groups:
        print_groups(text_console(), groups)
    else:
        click.echo("No dead letters.")


@command.command(epilog=SHOW_EXAMPLE)
@state_option
@letter_options
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="Show so many at most.")
@click.option("--all", "all_letters", is_flag=True, help="Also those that are not open: replayed, or of no use.")
@as_json
def show(state: str | None, limit: int, all_letters: bool, as_json: bool, **given: Any) -> None:
    """Print dead letters with their events.

    They hold personal data: mind where you print them.
    """
    found = find_letters(existing_state(state), filter_of(given))
    meant = (each for each in found if all_letters or each.status is Status.OPEN)
    shown = list(islice(meant, limit))
    more = sum(1 for _ in meant)
    if as_json:
        print_json({"letters": [_document(each) for each in shown], "more": more})
        return
    console = text_console()
    for each in shown:
        print_letter(console, each)
    click.echo(f"{more:,} more (--limit)" if more else "" if shown else "No dead letters.", nl=bool(more or not shown))


def _document(found: FoundLetter) -> dict[str, Any]:
    about = {"dag": dag_of(found.at.key), "slice": found.at.slice, "status": found.status.value}
    return about | {
        name: value for name, value in msgspec.structs.asdict(found.letter).items() if value not in (None, b"")
    }


command.add_command(replay)
