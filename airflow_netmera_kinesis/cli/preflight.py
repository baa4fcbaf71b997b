"""``netmera-kinesis preflight``: check everything that a run needs, a line each; nothing is written to a stream."""

from __future__ import annotations

from collections.abc import Callable

import click

from airflow_netmera_kinesis.cli.connector import connector_of
from airflow_netmera_kinesis.cli.documents import definitions_at
from airflow_netmera_kinesis.cli.exit_status import DONE, FAILED, TRY_AGAIN
from airflow_netmera_kinesis.cli.options import (
    conn_id_option,
    exports_option,
    hooks_option,
    place,
    setting,
    staging_option,
    state_option,
)
from airflow_netmera_kinesis.cli.output import as_json, print_json, text_console
from airflow_netmera_kinesis.exports.listing import ExportPlace
from airflow_netmera_kinesis.hash_key import fetch_keys
from airflow_netmera_kinesis.location import open_exports, open_folder, refuse_inside, refuse_unwritable
from airflow_netmera_kinesis.preflight.check import Check, Findings, Verdict
from airflow_netmera_kinesis.preflight.flow import Subject, preflight

STYLES = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.FAULT: "bold red", Verdict.UNCHECKED: "dim"}
EXAMPLE = """\b
Example:
  export AIRFLOW_CONN_NETMERA_KINESIS_DEFAULT='{
    "conn_type": "netmera_kinesis", "extra": {"region": "eu-central-1"},
    "login": "<apiKey>", "password": "<secretKey>"}'
  netmera-kinesis preflight --exports exports/ --hooks hooks.yaml
\b
Exit status: 0 ready, perhaps with warnings; 1 not ready; 2 an option or a
setting is missing or wrong; 3 not ready, but all that stands in the way may
pass by itself, such as a network that is away.
"""


@click.command(epilog=EXAMPLE)
@exports_option
@hooks_option
@conn_id_option
@staging_option
@state_option
@as_json
@click.pass_context
def command(
    ctx: click.Context,
    exports: str | None,
    hooks: str | None,
    conn_id: str | None,
    staging: str | None,
    state: str | None,
    as_json: bool,
) -> None:
    """Check connection, streams and folders before a run.

    A line for each check, then the verdict. It looks at the connection and who signs for it; at the definitions; at
    every active hook's stream: is it there and ACTIVE, its capacity mode, shards, record limit, distribution and
    encryption, and whether it may be written; at the folders. Nothing is written to a stream, and no right is needed
    beyond kinesis:PutRecords: what may not be asked is a warning.
    """
    subject = _subject(setting(exports, "exports"), setting(hooks, "hooks"), conn_id, staging, state)
    console = text_console()
    checks: list[Check] = []
    for check in preflight(subject):
        checks.append(check)
        if not as_json:
            console.print(str(check), style=STYLES[check.verdict], markup=False, soft_wrap=True)
    findings = Findings(tuple(checks))
    if as_json:
        print_json({"ready": findings.ready, "verdict": str(findings), "checks": checks})
    else:
        console.print(str(findings), style="bold", markup=False, soft_wrap=True)
    ctx.exit(DONE if findings.ready else TRY_AGAIN if findings.passing else FAILED)


def _subject(exports: str, hooks: str, conn_id: str | None, staging: str | None, state: str | None) -> Subject:
    folders = {"staging": _folder(staging, "staging"), "state": _folder(state, "state")}

    def open_place() -> ExportPlace:
        at = open_exports(exports)
        for name, uri in folders.items():
            if uri:
                refuse_inside(at, open_folder(uri, name), name, uri)
        return at

    connector = connector_of(conn_id)
    return Subject(
        conn_id=connector.netmera_kinesis_conn_id,
        connector=connector,
        read_definitions=lambda: definitions_at(hooks),
        fetch_hash_keys=fetch_keys,
        open_exports=open_place,
        probe_staging=_probe(folders["staging"], "staging"),
        probe_state=_probe(folders["state"], "state"),
    )


def _folder(given: str | None, name: str) -> str | None:
    """Return what the option says, else what is configured; a folder may also be set nowhere."""
    if given:
        return place(given)
    from airflow_netmera_kinesis.configuration import configured_defaults

    configured: str | None = configured_defaults()[name]
    return configured


def _probe(uri: str | None, name: str) -> Callable[[], None] | None:
    return (lambda: refuse_unwritable(open_folder(uri, name), name, uri)) if uri else None
