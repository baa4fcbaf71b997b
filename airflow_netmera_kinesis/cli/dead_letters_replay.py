"""``netmera-kinesis dead-letters replay``: the stages of the DAG that replays dead letters, without a scheduler."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import click

from airflow_netmera_kinesis.again_request import LetterFilter, ReplayRequest
from airflow_netmera_kinesis.cli.connector import connector_of
from airflow_netmera_kinesis.cli.dead_letters_text import print_outcome, print_shown
from airflow_netmera_kinesis.cli.documents import definitions_at, export_format_at
from airflow_netmera_kinesis.cli.exit_status import DONE, FAILED
from airflow_netmera_kinesis.cli.letter_options import filter_of, letter_options
from airflow_netmera_kinesis.cli.options import (
    conn_id_option,
    existing_state,
    export_format_option,
    hooks_option,
    setting,
    staging_option,
    state_option,
)
from airflow_netmera_kinesis.cli.output import StageBars, as_json, print_json, text_console
from airflow_netmera_kinesis.cli.running import going_on_when_called_again, log_to_terminal, record_limits_of
from airflow_netmera_kinesis.errors import ConfigurationError
from airflow_netmera_kinesis.exports.export_format import ExportFormat
from airflow_netmera_kinesis.hash_key import fetch_keys
from airflow_netmera_kinesis.location import open_folder, refuse_unwritable
from airflow_netmera_kinesis.netmera.hashing import fingerprints_of
from airflow_netmera_kinesis.plan_request import MAX_PARTITIONS, in_region
from airflow_netmera_kinesis.quota import parse_quota
from airflow_netmera_kinesis.stages.found_letters import find_slices
from airflow_netmera_kinesis.stages.gate import Limits
from airflow_netmera_kinesis.stages.replay import is_under_way, plan_replay, show_replay
from airflow_netmera_kinesis.stages.stream import SendSettings
from airflow_netmera_kinesis.stages.whole_run import Committed, PlannedRun
from airflow_netmera_kinesis.state.letter_archive import dag_of, replay_key
from airflow_netmera_kinesis.state.replay_file import FOLDER
from airflow_netmera_kinesis.state.slice import Target, Terms

if TYPE_CHECKING:
    from airflow_netmera_kinesis.connection import NetmeraKinesisConnection
    from airflow_netmera_kinesis.storage import Folder

# What fails again is a dead letter again: however many do, nothing is lost.
NO_LIMIT = parse_quota("100%", "max_dead_letters")
EXAMPLE = """\b
Example:
  netmera-kinesis dead-letters replay --hooks hooks.yaml \\
    --state /srv/netmera/state --staging /srv/netmera/staging --yes
"""


@click.command(epilog=EXAMPLE)
@state_option
@letter_options
@hooks_option
@export_format_option
@conn_id_option
@staging_option
@click.option("--partitions", type=click.IntRange(1, MAX_PARTITIONS), default=1, show_default=True, help="Senders.")
@click.option("--again", is_flag=True, help="Also what was replayed before: it arrives twice.")
@click.option("--receipts", is_flag=True, help="Keep the receipts.")
@click.option("--abandon-slice", metavar="ID", default="", help="Give up a replay that was sent in part.")
@click.option("--yes", is_flag=True, help="Send. Without it, only what would be sent is shown.")
@click.option("-v", "--verbose", is_flag=True, help="Show what the tasks of a DAG would log.")
@as_json
@click.pass_context
def replay(
    ctx: click.Context,
    /,
    state: str | None,
    hooks: str | None,
    export_format: str | None,
    conn_id: str | None,
    staging: str | None,
    partitions: int,
    again: bool,
    receipts: bool,
    abandon_slice: str,
    yes: bool,
    verbose: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Send dead letters again by the present definitions.

    They keep their event ids. What was replayed is marked; what fails again is one open dead letter again, and the exit
    status is 1. Without --export-format each letter is read as its file was. A replay that was stopped goes on first.
    """
    connection, root = connector_of(conn_id), existing_state(state)
    if not connection.settings.active:
        click.echo(f"netmera-kinesis: the connector {connection.netmera_kinesis_conn_id!r} is inactive", err=True)
        return
    wanted = filter_of(given, again=again)
    of_dag = wanted.of_dag or _only_dag(root, wanted)
    if not of_dag:
        click.echo("No dead letters.")
        return
    request = ReplayRequest(
        key=replay_key(of_dag),
        letters=filter_of({**given, "dag": of_dag}, again=again),
        terms=_terms(hooks, partitions, connection),
        export_format=export_format_at(export_format) if export_format else None,
        abandon_slice=abandon_slice,
        receipts=receipts,
    )
    limit_of, keys = record_limits_of(connection), fetch_keys(request.terms.hooks)
    log = log_to_terminal(logging.INFO if verbose else logging.ERROR)
    shown = show_replay(root, request, limit_of, keys, log)
    if not as_json:
        print_shown(text_console(), shown, of_dag)
    under_way = is_under_way(root.child(request.key))
    if not yes:
        if as_json:
            print_json({"dag": of_dag, **shown.summary(), "replays": []})
        elif shown.chosen.letters or under_way:
            click.echo("Nothing was sent. To send: --yes")
        return
    working = open_folder(setting(staging, "staging"), "staging")
    for folder, name in ((working, "staging"), (root, "state")):
        refuse_unwritable(folder, name, folder.uri)
    with StageBars() as bars, going_on_when_called_again():
        run = PlannedRun(
            state=root.child(request.key),
            staging=working,
            exports=root.child(request.key).child(FOLDER),
            limits=Limits(NO_LIMIT, NO_LIMIT),
            settings=SendSettings(max_dead_letters=NO_LIMIT),
            connect=lambda: connector_of(conn_id),
            limit_of=limit_of,
            keys_of=fetch_keys,
            receipts=receipts,
            who="netmera-kinesis dead-letters replay",
            log=log,
            watch=bars,
        )
        done = _replay(run, root, request, under_way)
    _report(done, of_dag, shown.summary(), as_json)
    ctx.exit(FAILED if any(each.counts["letters_set_aside_again"] for each in done) else DONE)


def _replay(run: PlannedRun, root: Folder, request: ReplayRequest, under_way: bool) -> list[Committed]:
    """Finish a replay that was stopped, then do what is asked for."""
    done: list[Committed] = []
    for _ in range(1 + under_way):
        keys = run.keys_of(request.terms.hooks)
        planned = plan_replay(root, run.staging, request, run.limit_of, keys, run.who, run.log)
        if planned is None:
            break
        done.append(run.finish(planned))
    return done


def _only_dag(root: Folder, wanted: LetterFilter) -> str:
    """Nobody's letters go to somebody else's streams: with several DAGs it has to be said whose are meant."""
    dags = sorted({dag_of(at.key) for at in find_slices(root, wanted)})
    if len(dags) > 1:
        raise ConfigurationError(f"--dag is not given, and there are dead letters of {', '.join(dags)}: say whose")
    return dags[0] if dags else ""


def _terms(hooks: str | None, partitions: int, connection: NetmeraKinesisConnection) -> Terms:
    settings = connection.settings
    definitions = in_region(definitions_at(hooks), settings.region)
    return Terms(
        hooks=definitions,
        export_format=ExportFormat(),
        partitions=partitions,
        order="file",
        target=Target(settings.region, settings.endpoint_url or ""),
        hash_keys=fingerprints_of(fetch_keys(definitions)),
    )


def _report(done: list[Committed], of_dag: str, summary: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json({"dag": of_dag, **summary, "replays": done})
        return
    for each in done:
        print_outcome(text_console(), each.counts)
