"""The command line: one module for each command, loaded when it is called; its errors become exit statuses here."""

from __future__ import annotations

import importlib
import os
from typing import Any

import click

from airflow_netmera_kinesis import __version__
from airflow_netmera_kinesis.cli.exit_status import EXIT_STATUSES, FAILED, INTERRUPTED, status_of
from airflow_netmera_kinesis.errors import NetmeraKinesisError

# In the order in which a user needs them.
COMMANDS: tuple[str, ...] = (
    "inspect",
    "plan",
    "match",
    "preflight",
    "send",
    "tail",
    "dead-letters",
    "clean",
)
_LOGGING_LEVEL = "AIRFLOW__LOGGING__LOGGING_LEVEL"


class Commands(click.Group):
    """Find a command in the module of its name, so that each starts without loading what the others need."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which a user needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load the module of a command and return what it calls ``command``."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"{__name__}.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; say an expected error without a traceback."""
        try:
            return super().invoke(ctx)
        except NetmeraKinesisError as error:
            click.echo(f"netmera-kinesis: {error}", err=True)
            ctx.exit(status_of(error))
        except BrokenPipeError:  # whoever reads has seen enough
            raise
        except OSError as error:  # a disk that is full, a network that is away
            click.echo(f"netmera-kinesis: {error}", err=True)
            ctx.exit(FAILED)
        except KeyboardInterrupt:
            click.echo("netmera-kinesis: stopped by Ctrl-C", err=True)
            ctx.exit(INTERRUPTED)


@click.group(cls=Commands, epilog=EXIT_STATUSES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="airflow-netmera-kinesis", prog_name="netmera-kinesis")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Look at Netmera's exports, and send them to Amazon Kinesis without a scheduler."""
    # Airflow logs to standard output, where a command's own lines go; it reads this when it is loaded. Airflow 2 also
    # calls it an error that it has no database to look for a connection in.
    if _LOGGING_LEVEL not in os.environ:
        os.environ[_LOGGING_LEVEL] = "CRITICAL"
        ctx.call_on_close(lambda: os.environ.pop(_LOGGING_LEVEL, None))
