"""``netmera-kinesis tail``: read a stream as a consumer does, print the payloads, and check each user's order."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Any

import click
import msgspec

from airflow_netmera_kinesis.cli.connector import connector_of
from airflow_netmera_kinesis.cli.exit_status import DONE, FAILED, INTERRUPTED
from airflow_netmera_kinesis.cli.options import conn_id_option
from airflow_netmera_kinesis.cli.output import as_json
from airflow_netmera_kinesis.tailing.order_watch import Findings, OrderWatch
from airflow_netmera_kinesis.tailing.stream_reader import Arrived, Start, StreamReader

EXAMPLE = """\b
Examples:
  netmera-kinesis tail netmera-purchases --limit 3
  netmera-kinesis tail netmera-purchases --from latest --follow
"""


class Beginning(click.ParamType):  # type: ignore[type-arg,unused-ignore] # generic in the newest click only
    """``trim_horizon``, ``latest``, or a time."""

    name = "place"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Start:
        """Read a place in the stream; a time without a zone is meant in UTC."""
        text = str(value)
        if text.upper() in ("TRIM_HORIZON", "LATEST"):
            return Start(text.upper())
        try:
            moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        except ValueError:
            self.fail(f"{text!r} is neither trim_horizon, latest, nor a time such as 2026-09-06T12:00:00Z", param, ctx)
        return Start("AT_TIMESTAMP", moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc))


@click.command(epilog=EXAMPLE)
@click.argument("stream")
@conn_id_option
@click.option(
    "--from",
    "start",
    type=Beginning(),
    default="trim_horizon",
    show_default=True,
    help="trim_horizon (the oldest record), latest (only new ones), or a time.",
)
@click.option("-f", "--follow", is_flag=True, help="Go on when all is read, until Ctrl-C.")
@click.option("-n", "--limit", type=click.IntRange(min=1), metavar="N", help="Stop after N records.")
@click.option("-q", "--quiet", is_flag=True, help="Print no payloads, only the findings.")
@as_json
@click.pass_context
def command(
    ctx: click.Context,
    stream: str,
    conn_id: str | None,
    start: Start,
    follow: bool,
    limit: int | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Print what stands in a stream, and check each user's order.

    STREAM is a name or an ARN. A payload stands on a line of its own; what travelled in one record, be it packed as
    lines or as a KPL aggregate, is taken apart. With --json each line also has shard, sequence number and key.

    The findings go to standard error: duplicates, records of a key in two open shards, and events older than what came
    before of the same key (exports that are not sorted by time, sent with order: file, look like that too).
    """
    connection = connector_of(conn_id)
    reader = StreamReader(connection.get_conn(), stream, start, follow=follow, clock=time.monotonic, sleep=time.sleep)
    watch = OrderWatch()
    status = DONE
    try:
        for arrived in reader.records():
            payloads = watch.take(arrived, reader.finished)
            if not quiet:
                _print(arrived, payloads, as_json)
            if watch.findings.records == limit:
                break
    except KeyboardInterrupt:
        status = INTERRUPTED
    _print_findings(watch.findings, as_json)
    ctx.exit(FAILED if not watch.findings.in_order else status)


def _print(arrived: Arrived, payloads: list[bytes], as_json: bool) -> None:
    for payload in payloads:
        if not as_json:
            click.echo(payload)
            continue
        line: dict[str, Any] = {
            "shardId": arrived.shard, "sequenceNumber": arrived.sequence_number, "partitionKey": arrived.key,
        }  # fmt: skip
        try:
            msgspec.json.decode(payload, type=msgspec.Raw)
            line["data"] = msgspec.Raw(payload)
        except msgspec.DecodeError:
            line["data"] = payload.decode(errors="replace")
        click.echo(msgspec.json.encode(line))


def _print_findings(found: Findings, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(found), err=True)
        return
    click.echo(
        f"{found.records} records with {found.payloads} payloads of {found.keys} keys in {len(found.shards)} shards: "
        f"duplicates {found.duplicates}, not of this connector {found.foreign}, keys in two open shards "
        f"{found.two_shards}, back in time {found.back_in_time}",
        err=True,
    )
