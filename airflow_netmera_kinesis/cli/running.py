"""What every command that sends shares: its log, its questions to Kinesis, and how it is stopped."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from airflow_netmera_kinesis.cli.exit_status import INTERRUPTED
from airflow_netmera_kinesis.delivery.stream_description import address_of, describe_stream
from airflow_netmera_kinesis.netmera.hook_definition import HookDefinition

if TYPE_CHECKING:
    from airflow_netmera_kinesis.connection import NetmeraKinesisConnection


@contextmanager
def going_on_when_called_again() -> Iterator[None]:
    """Say after Ctrl-C how to go on. A polite kill counts as Ctrl-C."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        click.echo(
            "netmera-kinesis: stopped. What was delivered is written down: call the same command again to go on",
            err=True,
        )
        raise click.exceptions.Exit(INTERRUPTED) from None
    finally:
        signal.signal(signal.SIGTERM, before)


def record_limits_of(connection: NetmeraKinesisConnection) -> Callable[[HookDefinition], int]:
    """Return who asks Kinesis for the record size that a hook's stream takes."""
    return lambda hook: describe_stream(connection.get_conn(), hook.stream, address_of(hook)).max_record_bytes


def log_to_terminal(level: int) -> logging.Logger:
    """Return a log on standard error that shows what the tasks of a DAG would log, from a level on."""
    log = logging.getLogger("netmera_kinesis.command")
    log.propagate = False
    log.handlers = [logging.StreamHandler()]
    log.setLevel(level)
    return log
