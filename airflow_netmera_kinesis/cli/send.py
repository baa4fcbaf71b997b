"""``netmera-kinesis send``: the stages and the engine of the DAG without a scheduler."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import click

from airflow_netmera_kinesis.cli.connector import connector_of
from airflow_netmera_kinesis.cli.documents import definitions_at, export_format_at
from airflow_netmera_kinesis.cli.options import (
    conn_id_option,
    export_format_option,
    exports_option,
    hooks_option,
    place,
    setting,
    staging_option,
    state_option,
)
from airflow_netmera_kinesis.cli.output import StageBars, as_json, print_json
from airflow_netmera_kinesis.cli.run_options import limits_of, request_of, run_options
from airflow_netmera_kinesis.cli.running import going_on_when_called_again, log_to_terminal, record_limits_of
from airflow_netmera_kinesis.exports.listing import ExportPlace
from airflow_netmera_kinesis.hash_key import fetch_keys
from airflow_netmera_kinesis.location import open_exports, open_folder, refuse_inside, refuse_unwritable
from airflow_netmera_kinesis.stages.stream import SendSettings
from airflow_netmera_kinesis.stages.whole_run import Committed, PlannedRun, send_what_is_new
from airflow_netmera_kinesis.state.slice import state_key
from airflow_netmera_kinesis.storage import Folder

# Beside the DAGs' state for the same exports: what a command line has sent is not what a DAG has sent.
STATE_OF = "netmera-kinesis"
HERE = Path(".netmera-kinesis")

EXAMPLE = """\b
Example:
  export AIRFLOW_CONN_NETMERA_KINESIS_DEFAULT='{
    "conn_type": "netmera_kinesis", "extra": {"region": "eu-central-1"},
    "login": "<apiKey>", "password": "<secretKey>"}'
  netmera-kinesis send --exports exports/ --hooks hooks.yaml
"""


@click.command(epilog=EXAMPLE)
@exports_option
@hooks_option
@export_format_option
@conn_id_option
@staging_option
@state_option
@run_options
@click.option("--concurrency", type=click.IntRange(1, 256), default=8, show_default=True, help="Requests at a time.")
@click.option(
    "--stall-timeout",
    type=click.FloatRange(min=1),
    default=900,
    show_default=True,
    metavar="SECONDS",
    help="Fail after so long without a delivered record.",
)
@click.option("-v", "--verbose", is_flag=True, help="Show what the tasks of a DAG would log.")
@as_json
def command(
    exports: str | None,
    hooks: str | None,
    export_format: str | None,
    conn_id: str | None,
    staging: str | None,
    state: str | None,
    concurrency: int,
    stall_timeout: float,
    verbose: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Send what is new in the exports: plan, match, send, commit.

    It does so until nothing is new. Killed or stopped at any time, it goes on where it stopped when it is called again:
    the folder --state remembers what was delivered. Without --staging and --state both lie in ./.netmera-kinesis.
    """
    definitions, read_as, limits = definitions_at(hooks), export_format_at(export_format), limits_of(given)
    uri, connection = setting(exports, "exports"), connector_of(conn_id)
    if not connection.settings.active:
        name = connection.netmera_kinesis_conn_id
        click.echo(f"netmera-kinesis: the connector {name!r} is inactive: nothing was read or sent", err=True)
        return
    key = state_key(STATE_OF, uri)
    at = open_exports(uri)
    working = _open_writable(at, staging or str(HERE / "staging"), "staging")
    durable = _open_writable(at, state or str(HERE / "state"), "state")
    with StageBars() as bars:
        request = request_of(key, uri, definitions, read_as, connection.settings, given)
        run = PlannedRun(
            state=durable.child(key),
            staging=working,
            exports=at.folder,
            limits=limits,
            settings=SendSettings(concurrency, stall_timeout, limits.max_dead_letters),
            connect=lambda: connector_of(conn_id),
            limit_of=record_limits_of(connection),
            keys_of=fetch_keys,
            receipts=request.receipts,
            who="netmera-kinesis send",
            log=log_to_terminal(logging.INFO if verbose else logging.WARNING),
            watch=bars,
        )
        committed: list[Committed] = []
        with going_on_when_called_again():
            while (done := send_what_is_new(run, at, request)) is not None:
                committed.append(done)
    _report(committed, as_json)


def _open_writable(at: ExportPlace, given: str, name: str) -> Folder:
    uri = place(given)
    folder = open_folder(uri, name)
    refuse_inside(at, folder, name, uri)
    refuse_unwritable(folder, name, uri)
    return folder


def _report(committed: list[Committed], as_json: bool) -> None:
    if as_json:
        print_json({"slices": committed, "delivered": sum(done.counts["delivered"] for done in committed)})
        return
    for done in committed:
        counts = done.counts
        click.echo(
            f"slice {done.slice}: files {counts['files']}, read {counts['read']} = malformed {counts['malformed']} + "
            f"events {counts['events']}; firings {counts['firings']} = delivered {counts['delivered']} + delivered "
            f"before {counts['delivered_before']} + dead letters {counts['dead_letters']}"
        )
    if not committed:
        click.echo("Nothing new.")
